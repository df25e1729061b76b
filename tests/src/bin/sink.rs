//! A server that costs next to nothing: it drops what is uploaded and hands out zeros.
//!
//! `cargo xtask bench` measures clients against it; what it leaves is the client's own cost. It keeps
//! sizes, tags and the MD5 of each key, and answers as a gateway does, or this project's command
//! would send it nothing. Started with the files of its certificate and key, it prints its port and
//! ends with its standard input.
#![allow(clippy::unwrap_used, reason = "a tool of the benchmark: its failure is a failed run")]

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";
const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
/// Bytes of an answer made at a time.
const BLOCK: usize = 256 << 10;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What is kept of an object, or of an upload.
#[derive(Clone, Default)]
struct Held {
    size: u64,
    key_md5: Option<String>,
    /// The document of its tags.
    tags: Bytes,
}

/// Objects by path; uploads too, while they last, by path and upload ID.
#[derive(Clone, Default)]
struct Sink {
    held: Arc<Mutex<HashMap<String, Held>>>,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let [cert, key] = [1, 2].map(|index| std::env::args().nth(index).unwrap());
    let chain = CertificateDer::pem_file_iter(cert).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", listener.local_addr().unwrap().port()).unwrap();
    drop(out);
    let sink = Sink::default();
    let mut stdin = tokio::io::stdin();
    tokio::select! {
        () = accept(listener, tls, sink) => {}
        _ = stdin.read_u8() => {}
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, sink: Sink) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, tls.clone(), sink.clone()));
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, sink: Sink) {
    stream.set_nodelay(true).unwrap();
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = hyper::service::service_fn(|request| sink.answer(request));
    // A client that hangs up is no failure of the sink.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Sink {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
        let (head, body) = request.into_parts();
        let query = head.uri.query().unwrap_or_default().to_owned();
        let parameter = |name: &str| {
            let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
        };
        let path = head.uri.path().to_owned();
        let header = |name: &str| Some(head.headers.get(name)?.to_str().unwrap().to_owned());
        let key_md5 = header(KEY_MD5);
        let upload = parameter("uploadId").map(|id| format!("{path}?{id}"));
        let answer = match (&head.method, upload) {
            (&Method::POST, None) => self.begin(&path, key_md5),
            (&Method::PUT, Some(upload)) => {
                let size = drain(body).await?.0;
                self.all().entry(upload).or_default().size += size;
                echoed(200, key_md5).header("ETag", "\"0\"").body(empty()).unwrap()
            }
            (&Method::POST, Some(upload)) => {
                drain(body).await?;
                self.complete(&path, &upload)
            }
            (&Method::DELETE, upload) => {
                self.all().remove(&upload.unwrap_or(path));
                echoed(204, None).body(empty()).unwrap()
            }
            (&Method::PUT, None) if parameter("tagging").is_some() => {
                let tags = drain(body).await?.1;
                self.all().entry(path).or_default().tags = tags;
                echoed(200, None).body(empty()).unwrap()
            }
            (&Method::PUT, None) => {
                let held = Held { size: drain(body).await?.0, key_md5, tags: Bytes::new() };
                let answer = echoed(200, held.key_md5.clone()).header("ETag", "\"0\"");
                self.all().insert(path, held);
                answer.body(empty()).unwrap()
            }
            (_, _) if parameter("tagging").is_some() => self.tags(&path),
            (_, _) => self.object(&path, key_md5, header("range"), head.method == Method::HEAD),
        };
        Ok(answer)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.held.lock().unwrap()
    }

    fn begin(&self, path: &str, key_md5: Option<String>) -> Response<Body> {
        let mut all = self.all();
        let id = format!("upload-{}", all.len());
        let held = Held { key_md5: key_md5.clone(), ..Held::default() };
        all.insert(format!("{path}?{id}"), held);
        document(
            echoed(200, key_md5),
            format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId>\
                 </InitiateMultipartUploadResult>"
            ),
        )
    }

    fn complete(&self, path: &str, upload: &str) -> Response<Body> {
        let mut all = self.all();
        let Some(held) = all.remove(upload) else { return refused(404, "NoSuchUpload") };
        let answer = echoed(200, held.key_md5.clone());
        all.insert(path.to_owned(), held);
        let result = "<CompleteMultipartUploadResult><ETag>\"0\"</ETag>\
                      </CompleteMultipartUploadResult>";
        document(answer, result.to_owned())
    }

    fn tags(&self, path: &str) -> Response<Body> {
        let Some(held) = self.all().get(path).cloned() else { return refused(404, "NoSuchKey") };
        let answer = echoed(200, None);
        match held.tags.is_empty() {
            true => document(answer, "<Tagging><TagSet></TagSet></Tagging>".to_owned()),
            false => answer.body(full(held.tags)).unwrap(),
        }
    }

    fn object(
        &self,
        path: &str,
        key_md5: Option<String>,
        range: Option<String>,
        head_only: bool,
    ) -> Response<Body> {
        let Some(held) = self.all().get(path).cloned() else { return refused(404, "NoSuchKey") };
        if held.key_md5 != key_md5 {
            return refused(400, "InvalidRequest");
        }
        let answer = echoed(200, key_md5)
            .header("ETag", "\"0\"")
            .header("Accept-Ranges", "bytes")
            .header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT");
        let Some((first, last)) = range.and_then(|range| span(&range, held.size)) else {
            return answer
                .header("Content-Length", held.size)
                .body(if head_only { empty() } else { zeros(held.size) })
                .unwrap();
        };
        let length = last + 1 - first;
        answer
            .status(206)
            .header("Content-Range", format!("bytes {first}-{last}/{}", held.size))
            .header("Content-Length", length)
            .body(if head_only { empty() } else { zeros(length) })
            .unwrap()
    }
}

/// First and last byte of a `Range` header.
fn span(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = last.parse().unwrap_or(u64::MAX).min(size.checked_sub(1)?);
    let first = first.parse().ok()?;
    (first <= last).then_some((first, last))
}

/// Reads a body to its end: its size, and its bytes where they are few enough to be a document.
async fn drain(mut body: Incoming) -> Result<(u64, Bytes), hyper::Error> {
    let (mut size, mut start) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame?.into_data() else { continue };
        size += bytes.len() as u64;
        if size <= BLOCK as u64 {
            start.extend_from_slice(&bytes);
        }
    }
    Ok((size, start.into()))
}

fn echoed(status: u16, key_md5: Option<String>) -> hyper::http::response::Builder {
    let answer = Response::builder().status(status);
    match key_md5 {
        Some(md5) => answer.header(ALGORITHM, "AES256").header(KEY_MD5, md5),
        None => answer,
    }
}

fn refused(status: u16, code: &str) -> Response<Body> {
    document(echoed(status, None), format!("<Error><Code>{code}</Code></Error>"))
}

fn document(answer: hyper::http::response::Builder, text: String) -> Response<Body> {
    answer.header("Content-Type", "application/xml").body(full(text.into())).unwrap()
}

fn empty() -> Body {
    full(Bytes::new())
}

fn full(bytes: Bytes) -> Body {
    UnsyncBoxBody::new(Full::from(bytes))
}

fn zeros(length: u64) -> Body {
    let block = Bytes::from_static(&[0; BLOCK]);
    let blocks = stream::unfold(length, move |left| {
        let size = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        let next = (size > 0).then(|| (Frame::data(block.slice(..size)), left - size as u64));
        std::future::ready(next)
    });
    UnsyncBoxBody::new(StreamBody::new(blocks.map(Ok)))
}
