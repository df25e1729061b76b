//! A web server that takes files and keeps them encrypted under a key of its own.
//!
//! ```text
//! axum_upload KEYFILE BUCKET
//! curl --data-binary @report.pdf http://127.0.0.1:PORT/files/report.pdf     # POST: keeps it
//! curl http://127.0.0.1:PORT/files/report.pdf                               # GET: gives it back
//! ```
//!
//! 201 is answered only when the gateway confirmed the key of the object; whatever it did not confirm
//! is taken back. The body goes through as it comes: nothing is kept on disk, and never more than a
//! few parts in memory. Gateway and credentials come from the environment (`AWS_*`).
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use futures_util::TryStreamExt as _;
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec::{Client, GetError, GetOptions, Options, PutOptions, Source, Watch};
use std::error::Error;
use std::io;
use std::sync::Arc;
use tokio_util::io::{ReaderStream, StreamReader};

struct Archive {
    client: Client,
    keys: Keyring,
    bucket: BucketName,
}

type Shared = State<Arc<Archive>>;
type Failure = (StatusCode, String);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: axum_upload KEYFILE BUCKET";
    let keys = KeyFile::read(&std::fs::read(arguments.next().ok_or(usage)?)?)?.0.into_keyring()?;
    let bucket = BucketName::parse(&arguments.next().ok_or(usage)?)?;
    let client = Client::connect(&Options::default()).await?;
    let archive = Arc::new(Archive { client, keys, bucket });
    let routes = Router::new().route("/files/{*key}", post(keep).get(give)).with_state(archive);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}

/// Stores the body. Only a proved object is a stored one.
async fn keep(
    State(archive): Shared,
    Path(key): Path<String>,
    body: Body,
) -> Result<(StatusCode, String), Failure> {
    let name = archive.name(&key)?;
    let body = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    let (source, watch) = (Source::reader(Box::pin(body)), Watch::default());
    let (client, key, options) = (&archive.client, archive.keys.writer(), PutOptions::default());
    let uploaded = client.put(key, &name, source, &options, &watch).await;
    let uploaded = uploaded.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    Ok((StatusCode::CREATED, format!("{} bytes, encryption confirmed\n", uploaded.size)))
}

/// Gives a file back. What does not match its digest ends in a broken answer, never in a whole one.
async fn give(State(archive): Shared, Path(key): Path<String>) -> Result<Body, Failure> {
    let name = archive.name(&key)?;
    let located = archive.client.stat(&archive.keys, &name, &Default::default()).await;
    located.map_err(|error| match error {
        GetError::NotFound(_) => (StatusCode::NOT_FOUND, "no such file\n".to_owned()),
        error => (StatusCode::BAD_GATEWAY, error.to_string()),
    })?;
    let (mut writer, reader) = tokio::io::duplex(1 << 16);
    let download = async move {
        let (options, watch) = (GetOptions::default(), Watch::default());
        let keys = &archive.keys;
        let got = archive.client.get_stream(keys, &name, &mut writer, &options, &watch).await;
        got.map(|_| axum::body::Bytes::new()).map_err(io::Error::other)
    };
    // Both run while the client reads: the last word has the verification.
    let pieces = ReaderStream::new(reader);
    let verified = futures_util::stream::once(tokio::spawn(download));
    let verified = verified.map_err(io::Error::other).and_then(std::future::ready);
    Ok(Body::from_stream(futures_util::StreamExt::chain(pieces, verified)))
}

impl Archive {
    fn name(&self, key: &str) -> Result<ObjectName, Failure> {
        let key = ObjectKey::parse(key);
        let key = key.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
        Ok(ObjectName::new(self.bucket.clone(), key))
    }
}
