//! The part that has to ask the gateway: which key opens an object, and whether a place is proved.

use super::Inner;
use super::errors::KeyedError;
use super::wanted::{Job, Wanted};
use crate::get::GetError;
use crate::locate::ReadOptions;
use crate::nonce;
use crate::trial::WriteKind;
use crate::watch::Watch;
use crate::write::{Existing, PutOptions};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Key, Kind};
use s3_ssec_core::keyring::{Keyring, Seal};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::Content;
use std::sync::Arc;

/// What goes on a request.
pub(super) struct Ready {
    /// `None` where there is nothing to open: the gateway says so itself.
    pub(super) headers: Option<Arc<TargetKeyHeaders>>,
    /// The nonce of a new object: its record goes with it.
    pub(super) nonce: Option<Nonce>,
    /// Nothing may be overwritten: no trial was allowed here.
    pub(super) keep: bool,
}

impl Ready {
    fn with(headers: Option<Arc<TargetKeyHeaders>>) -> Self {
        Self { headers, nonce: None, keep: false }
    }
}

impl Inner {
    /// Finds or makes the key for a request.
    pub(super) async fn prepare(
        &self,
        wanted: &Wanted,
        keys: &Keyring,
        content: Content,
    ) -> Result<Ready, KeyedError> {
        match &wanted.job {
            Job::Write(kind) => self.prepare_write(*kind, &wanted.name, keys, content).await,
            Job::Part { upload, .. } => self.prepare_part(&wanted.name, upload, keys),
            Job::Read { version } => self.prepare_read(&wanted.name, version.clone(), keys).await,
            Job::Abort { .. } => Ok(Ready::with(None)),
            Job::Refuse(instead) => Err(KeyedError::NotOffered {
                operation: wanted.operation,
                name: wanted.name.clone(),
                instead,
            }),
        }
    }

    async fn prepare_write(
        &self,
        kind: WriteKind,
        name: &ObjectName,
        keys: &Keyring,
        content: Content,
    ) -> Result<Ready, KeyedError> {
        let is_upload = kind == WriteKind::Multipart;
        if is_upload && keys.writer().kind() == Kind::Master && self.client.ledger.is_none() {
            return Err(KeyedError::NoLedger(name.clone()));
        }
        let (options, watch) = (PutOptions::default(), Watch::default());
        let options = self.client.try_first(name, kind, &options, &watch).await;
        let options = options.map_err(|error| KeyedError::Trial(Box::new(error)))?;
        let nonce = nonce::draw(self.client.state.as_ref(), name)?;
        let seal = Seal::new(keys.writer(), name.clone(), nonce);
        // A hook reads no tag back, so what may not be kept in one is noted before.
        if is_upload || !options.tags_kept {
            let noted = self.client.note(name, &seal.record(content)).await;
            match noted {
                Err(_) if self.client.ledger.is_none() && keys.writer().kind() == Kind::Direct => {}
                Err(_) if self.client.ledger.is_none() => {
                    return Err(KeyedError::NoLedger(name.clone()));
                }
                noted => noted.map_err(KeyedError::Ledger)?,
            }
        }
        Ok(Ready {
            headers: Some(Arc::new(TargetKeyHeaders::of(&seal.customer_key()))),
            nonce: Some(seal.nonce()),
            // An upload is proved by its Create, before a byte of content is sent.
            keep: kind == WriteKind::Single && options.existing == Existing::Keep,
        })
    }

    fn prepare_part(
        &self,
        name: &ObjectName,
        upload: &str,
        keys: &Keyring,
    ) -> Result<Ready, KeyedError> {
        let headers = self.upload(name, upload).or_else(|| match keys.writer() {
            // A direct key is the same for every upload, whoever began it.
            Key::Direct(key) => Some(Arc::new(TargetKeyHeaders::of(key))),
            Key::Master(_) => None,
        });
        match headers {
            Some(headers) => Ok(Ready::with(Some(headers))),
            None => Err(KeyedError::UnknownUpload(name.clone())),
        }
    }

    async fn prepare_read(
        &self,
        name: &ObjectName,
        version: Option<String>,
        keys: &Keyring,
    ) -> Result<Ready, KeyedError> {
        let options = ReadOptions { version, ..ReadOptions::default() };
        match self.client.locate(keys, name, &options).await {
            Ok(located) => Ok(Ready::with(located.headers)),
            // Programs know what to do with the gateway's own 404.
            Err(GetError::NotFound(_)) => Ok(Ready::with(None)),
            Err(error) => Err(KeyedError::Read(Box::new(error))),
        }
    }
}
