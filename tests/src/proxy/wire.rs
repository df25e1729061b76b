//! The proxy's connections: TLS on both sides, one request to the gateway for each that comes.

use super::{Asked, CUSTOMER, Deed, Identity, Rule, Upstream};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyDataStream, BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector};

type Failure = Box<dyn Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, Failure>>;

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[derive(Clone)]
pub(super) struct Wire {
    upstream: Upstream,
    tls: TlsAcceptor,
    rule: Rule,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Wire {
    pub(super) fn new(
        upstream: Upstream,
        (chain, key): Identity,
        rule: Rule,
        seen: Arc<Mutex<Vec<Asked>>>,
    ) -> Self {
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self { upstream, tls: TlsAcceptor::from(Arc::new(config)), rule, seen }
    }

    pub(super) async fn serve(self, listener: TcpListener) {
        // Dropped with the proxy, and every connection with it.
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(self.clone().connection(stream));
        }
    }

    async fn connection(self, stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        // A client that does not accept our certificate ends here.
        let Ok(stream) = self.tls.accept(stream).await else { return };
        let service = hyper::service::service_fn(|request| self.answer(request));
        let server = hyper::server::conn::http1::Builder::new();
        // An error is what the client gets for a lie; the client is what is tested.
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Failure> {
        let asked = Asked {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
        };
        let deed = (self.rule)(&asked);
        self.seen.lock().unwrap().push(asked.clone());
        match deed {
            Deed::Answer(status, headers, body) => {
                request.into_body().collect().await?;
                answer_of(status, headers, body)
            }
            Deed::ForgeNeed => {
                let answer = self.pass(request).await?;
                match (answer.status().is_success(), Deed::key_needed()) {
                    (true, Deed::Answer(status, headers, body)) => answer_of(status, headers, body),
                    (_, deed) => Ok(distort(answer, &asked, &deed)),
                }
            }
            Deed::Keep(kept) => {
                let body = request.into_body().collect().await?.to_bytes();
                *kept.lock().unwrap() = Some(String::from_utf8_lossy(&body).into_owned());
                let nothing = UnsyncBoxBody::new(Full::default().map_err(Failure::from));
                Ok(Response::builder().status(204).body(nothing)?)
            }
            Deed::Silence => {
                request.into_body().collect().await?;
                std::future::pending().await
            }
            Deed::Swallow(heard) => {
                self.pass(request).await?.into_body().collect().await?;
                heard.notify_one();
                std::future::pending().await
            }
            Deed::Instead(status, headers) => {
                self.pass(request).await?.into_body().collect().await?;
                let mut answer = Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, HeaderValue::from_bytes(&value)?);
                }
                let nothing = Full::from(Bytes::new()).map_err(Failure::from);
                Ok(answer.body(UnsyncBoxBody::new(nothing))?)
            }
            Deed::HangUp => {
                self.pass(request).await?.into_body().collect().await?;
                Err("no answer".into())
            }
            deed => {
                let answer = self.pass(request).await?;
                Ok(distort(answer, &asked, &deed))
            }
        }
    }

    /// Sends a request to the gateway on a connection of its own.
    async fn pass(&self, request: Request<Incoming>) -> Result<Response<Incoming>, Failure> {
        match &self.upstream {
            Upstream::Plain(address) => {
                send(TokioIo::new(TcpStream::connect(address).await?), request).await
            }
            Upstream::Tls(authority, config) => {
                let stream = TcpStream::connect(authority).await?;
                stream.set_nodelay(true)?;
                let host = authority.split(':').next().unwrap_or_default().to_owned();
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(ServerName::try_from(host)?, stream).await?;
                send(TokioIo::new(stream), request).await
            }
        }
    }
}

async fn send(
    stream: impl Read + Write + Send + Unpin + 'static,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, Failure> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = target.parse::<Uri>()?;
    Ok(sender.send_request(request).await?)
}

fn answer_of(
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
) -> Result<Answer, Failure> {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(name, value);
    }
    Ok(answer.body(UnsyncBoxBody::new(Full::from(body).map_err(Failure::from)))?)
}

fn distort(answer: Response<Incoming>, asked: &Asked, deed: &Deed) -> Answer {
    let (mut head, body) = answer.into_parts();
    let pieces = BodyDataStream::new(body);
    let body: Frames = match *deed {
        Deed::Truncate(bytes) => {
            let end = stream::once(async { Err("the end, too early".into()) });
            Box::pin(first(pieces, bytes).chain(end))
        }
        Deed::Stall(bytes) => Box::pin(first(pieces, bytes).chain(stream::pending())),
        Deed::Flip(byte) => flipped(pieces, byte),
        _ => Box::pin(pieces.map(|piece| piece.map(Frame::data).map_err(Failure::from))),
    };
    match deed {
        Deed::StripEcho => {
            for name in ["algorithm", "key-md5"] {
                head.headers.remove(format!("{CUSTOMER}{name}"));
            }
        }
        Deed::ForgeEcho => {
            for name in ["algorithm", "key-md5"] {
                let name = HeaderName::try_from(format!("{CUSTOMER}{name}")).unwrap();
                if let Some(value) = asked.headers.get(&name).cloned() {
                    head.headers.insert(name, value);
                }
            }
        }
        Deed::Add(name, value) => {
            head.headers.insert(*name, value.parse().unwrap());
        }
        _ => {}
    }
    Response::from_parts(head, UnsyncBoxBody::new(StreamBody::new(body)))
}

type Frames = stream::BoxStream<'static, Result<Frame<Bytes>, Failure>>;

/// The first so many bytes of a body.
fn first(pieces: BodyDataStream<Incoming>, bytes: u64) -> Frames {
    Box::pin(pieces.scan(bytes, |left, piece| {
        let piece = piece.map_err(Failure::from).map(|mut piece| {
            piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= piece.len() as u64;
            piece
        });
        let ended = matches!(&piece, Ok(piece) if piece.is_empty());
        std::future::ready((!ended).then(|| piece.map(Frame::data)))
    }))
}

/// A body with one bit of this byte flipped.
fn flipped(pieces: BodyDataStream<Incoming>, byte: u64) -> Frames {
    Box::pin(pieces.scan(byte, |left, piece| {
        let piece = piece.map_err(Failure::from).map(|piece| {
            let mut piece = piece.to_vec();
            if let Some(byte) = usize::try_from(*left).ok().and_then(|at| piece.get_mut(at)) {
                *byte ^= 1;
                *left = u64::MAX;
            } else {
                *left -= piece.len() as u64;
            }
            piece
        });
        std::future::ready(Some(piece.map(|piece| Frame::data(piece.into()))))
    }))
}
