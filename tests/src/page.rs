//! The page of `web/` on loopback: its files, nothing else, with the headers that a good server sends.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

/// A server of the page. It ends with the runtime.
pub struct Page {
    /// `http://localhost:PORT`: a secure context, as service workers want it.
    pub origin: String,
}

impl Page {
    /// Serves the files below `root` at `port`, under the policy of its `index.html`; 0 takes any port.
    pub async fn serve(root: &Path, port: u16) -> io::Result<Self> {
        Self::under(root, port, policy(root)?).await
    }

    /// Serves the files of somebody else's page, which has no policy of its own.
    pub async fn serve_files(root: &Path) -> io::Result<Self> {
        Self::under(root, 0, HeaderValue::from_static("frame-ancestors 'none'")).await
    }

    async fn under(root: &Path, port: u16, policy: HeaderValue) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let origin = format!("http://localhost:{}", listener.local_addr()?.port());
        let site = Arc::new(Site { root: root.to_owned(), policy });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let site = Arc::clone(&site);
                let service = hyper::service::service_fn(move |request| {
                    let site = Arc::clone(&site);
                    async move { Ok::<_, Infallible>(answer(&site, &request).await) }
                });
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { origin })
    }
}

struct Site {
    root: PathBuf,
    policy: HeaderValue,
}

/// The page's own policy, for every answer: workers know only that of their own file. What a page cannot
/// say of itself is added: that nobody may frame it.
fn policy(root: &Path) -> io::Result<HeaderValue> {
    let page = std::fs::read_to_string(root.join("index.html"))?;
    let found = page.split_once("content=\"default-src").and_then(|(_, rest)| rest.split_once('"'));
    let policy = found.map(|(rest, _)| format!("default-src{rest}; frame-ancestors 'none'"));
    let policy = policy.and_then(|text| HeaderValue::from_str(&text).ok());
    policy.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "index.html has no policy"))
}

async fn answer(site: &Site, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let found = match *request.method() {
        Method::GET => file(&site.root, request.uri().path()),
        _ => None,
    };
    let content = match &found {
        Some((path, _)) => tokio::fs::read(path).await.ok(),
        None => None,
    };
    let (status, kind) = match (&content, &found) {
        (Some(_), Some((_, kind))) => (StatusCode::OK, *kind),
        _ => (StatusCode::NOT_FOUND, "text/plain"),
    };
    let mut answer = Response::new(Full::from(content.unwrap_or_default()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, site.policy.clone());
    answer
}

/// The file behind a path of the page, and its type. Names are letters, digits, `-`, `_` and `.`.
fn file(root: &Path, path: &str) -> Option<(PathBuf, &'static str)> {
    let path = if path == "/" { "index.html" } else { path.strip_prefix('/')? };
    let mut found = root.to_owned();
    for name in path.split('/') {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            return None;
        }
        found.push(name);
    }
    let kind = match found.extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        _ => return None,
    };
    Some((found, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_page_are_served() {
        let served = |path: &str| Some(file(Path::new("web"), path)?.1);
        assert_eq!(served("/"), Some("text/html; charset=utf-8"));
        assert_eq!(served("/pkg/s3_ssec_bg.wasm"), Some("application/wasm"));
        for path in ["/../Cargo.toml", "/.git/x.js", "/a//b.js", "/%2e%2e/x.js", "/x.key", "x.js"] {
            assert_eq!(served(path), None, "{path}");
        }
    }
}
