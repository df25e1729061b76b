//! A tower layer that adds the key to whatever goes through: here to a presigned address.
//!
//! ```text
//! # link.json: s3-ssec presign get s3://bucket/object --give-away-key --format json
//! tower_link KEYFILE < link.json
//! ```
//!
//! The key file holds the direct key of the object; of the link only the address is used. So the two
//! travel apart, and an address that leaks opens nothing.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use s3_ssec::core::headers::TargetKeyHeaders;
use s3_ssec::core::key::Key;
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec_adapters::tower::KeyLayer;
use std::error::Error;
use std::future::poll_fn;
use tower_layer::Layer as _;
use tower_service::Service as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: tower_link KEYFILE < link.json")?;
    let keys = KeyFile::read(&std::fs::read(file)?)?.0.into_keyring()?;
    let Key::Direct(key) = keys.writer() else { return Err("not a direct key".into()) };
    let link: serde_json::Value = serde_json::from_reader(std::io::stdin())?;
    let address = link["url"].as_str().ok_or("no address")?;

    let https = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls()?).https_only();
    let client = Client::builder(TokioExecutor::new()).build(https.enable_http1().build());
    // The layer stands above whatever signs. Here that was done before, for the same key.
    let mut service = KeyLayer::new(TargetKeyHeaders::of(key)).layer(client);
    let request = Request::get(address).body(Empty::<axum::body::Bytes>::new())?;
    poll_fn(|context| service.poll_ready(context)).await?;
    let answer = service.call(request).await?;
    if !answer.status().is_success() {
        return Err(format!("the gateway says {}", answer.status()).into());
    }
    let content = answer.into_body().collect().await?.to_bytes();
    println!("{}", String::from_utf8_lossy(&content));
    Ok(())
}

/// Trusts `AWS_CA_BUNDLE`, or what the system trusts.
fn tls() -> Result<rustls::ClientConfig, Box<dyn Error>> {
    let mut roots = rustls::RootCertStore::empty();
    match std::env::var_os("AWS_CA_BUNDLE") {
        Some(bundle) => {
            for certificate in CertificateDer::pem_file_iter(bundle)? {
                roots.add(certificate?)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
