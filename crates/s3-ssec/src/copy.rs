//! Copies: the new name gets a key of its own.
//!
//! The gateway copies where a trial showed that it encrypts what it copies anew (RGW from 20.2.4);
//! everywhere else the content goes through this machine: earlier releases answer 501 to a source
//! under a customer key, and store a plain source in the clear (measured).

mod server;
mod stream;
mod trial;

use crate::client::{Client, Head};
use crate::get::{GetError, GetOptions, Trusted, Verification};
use crate::locate::Located;
use crate::watch::Watch;
use crate::write::{PutError, PutOptions, Uploaded};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::TAG_KEY;
pub(crate) use server::{LARGEST, Request as CopyRequest, send as send_copy};
pub(crate) use trial::CopyTrials;

/// A copy did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The source could not be read, or is not what was uploaded.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The target could not be written.
    #[error(transparent)]
    Put(#[from] PutError),
}

/// Who moved the bytes of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopiedBy {
    /// The gateway. The content was not read here: the copy carries the digest of its source, so
    /// that a read of it is verified as ever.
    Gateway,
    /// This machine, which verified the source to its last byte, if there was a digest.
    ThisMachine(Verification),
}

/// An object that was copied, and proved to be encrypted under its own customer key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Copied {
    /// The new object.
    pub uploaded: Uploaded,
    /// Who moved the bytes.
    pub by: CopiedBy,
}

/// What is copied, and what goes with it.
struct Source<'a> {
    name: &'a ObjectName,
    located: Located,
    head: Head,
    put: PutOptions,
}

impl Client {
    /// Copies an object under a fresh key of the writer in `keys`. Metadata, content headers and
    /// tags go with it.
    ///
    /// [`Trusted::OnlyVerified`] keeps the content on this machine's way, where it is verified.
    pub async fn copy(
        &self,
        keys: &Keyring,
        from: &ObjectName,
        to: &ObjectName,
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Copied, CopyError> {
        let source = self.copy_source(keys, from, options).await?;
        if options.trusted != Trusted::OnlyVerified && server::fits(&source, keys) {
            let work = server::copy(self, keys, &source, to, options);
            let copied = watch.unless_stopped(work).await.ok_or(PutError::Stopped)??;
            if let Some(uploaded) = copied {
                watch.moved(uploaded.size);
                return Ok(Copied { uploaded, by: CopiedBy::Gateway });
            }
        }
        let (uploaded, verification) =
            stream::copy(self, keys, &source, to, options, watch).await?;
        Ok(Copied { uploaded, by: CopiedBy::ThisMachine(verification) })
    }

    /// What of the source goes with the copy.
    async fn copy_source<'a>(
        &self,
        keys: &Keyring,
        name: &'a ObjectName,
        options: &GetOptions,
    ) -> Result<Source<'a>, CopyError> {
        let (located, head, tags) = self.inspect(keys, name, &options.read).await?;
        let put = PutOptions {
            headers: head.headers.clone(),
            metadata: head.metadata.clone().into_iter().collect(),
            tags: tags.unwrap_or_default().into_iter().filter(|(key, _)| key != TAG_KEY).collect(),
            ..PutOptions::default()
        };
        Ok(Source { name, located, head, put })
    }
}
