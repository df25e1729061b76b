//! Our errors in the words of `object_store`. What happened stays readable as their source.

use ::object_store::Error;
use s3_ssec::sdk::KeyedError;
use s3_ssec::{CallError, CopyError, GetError, PutError};

pub(super) const STORE: &str = "s3-ssec";

/// An error without a class of its own.
pub(super) fn other(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(source) }
}

pub(super) fn call(path: &str, error: CallError) -> Error {
    let (path, status) = (path.to_owned(), error.status());
    let source = Box::new(error);
    match status {
        Some(403) => Error::PermissionDenied { path, source },
        Some(404) => Error::NotFound { path, source },
        Some(412) => Error::Precondition { path, source },
        _ => Error::Generic { store: STORE, source },
    }
}

pub(super) fn get(path: &str, error: GetError) -> Error {
    match error {
        GetError::Call(error) => call(path, error),
        error @ GetError::NotFound(_) => {
            Error::NotFound { path: path.to_owned(), source: Box::new(error) }
        }
        error => other(error),
    }
}

pub(super) fn put(path: &str, error: PutError) -> Error {
    match error {
        PutError::Call(error) => call(path, error),
        error @ PutError::Exists(_) => {
            Error::AlreadyExists { path: path.to_owned(), source: Box::new(error) }
        }
        error => other(error),
    }
}

pub(super) fn copy(from: &str, to: &str, error: CopyError) -> Error {
    match error {
        CopyError::Get(error) => get(from, error),
        CopyError::Put(error) => put(to, error),
        error => other(error),
    }
}

/// An error of the SDK, with the status of the answer if there was one.
pub(super) fn sdk(
    path: &str,
    status: Option<u16>,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let (path, keyed) = (path.to_owned(), KeyedError::of(&error).is_some());
    let source = Box::new(error);
    match status {
        // The gateway was content, and we are not.
        _ if keyed => Error::Generic { store: STORE, source },
        Some(403) => Error::PermissionDenied { path, source },
        Some(404) => Error::NotFound { path, source },
        _ => Error::Generic { store: STORE, source },
    }
}
