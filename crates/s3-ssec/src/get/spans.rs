//! Reads of a whole object in an order of the reader's own, judged at the end.

use super::check::Check;
use super::fetch::{SPAN, Wanted};
use super::stream::fetch;
use super::{GetError, Received};
use bytes::Bytes;
use s3_ssec_core::plan::{Span, ranges};
use std::sync::{Arc, Mutex, PoisonError};

/// An object that is read piece by piece. Clones read the same one.
#[derive(Clone)]
pub(crate) struct Reading(Arc<(Wanted, Mutex<Check>)>);

impl Reading {
    pub(crate) fn new(wanted: Wanted) -> Self {
        let check = Mutex::new(Check::new(&wanted));
        Self(Arc::new((wanted, check)))
    }

    /// Size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.0.0.size
    }

    /// Reads these bytes. They begin at a multiple of [`SPAN`] and are read once only.
    pub(crate) async fn read(&self, part: Span) -> Result<Bytes, GetError> {
        let (wanted, check) = &*self.0;
        let spans: Vec<_> = match part.length {
            0 => vec![part],
            length => ranges(length, SPAN)
                .map(|span| Span { offset: part.offset + span.offset, ..span })
                .collect(),
        };
        let add = |fetched| check.lock().unwrap_or_else(PoisonError::into_inner).add(fetched);
        let mut content = Vec::with_capacity(usize::try_from(part.length).unwrap_or_default());
        for span in spans {
            let fetched;
            (content, fetched) = fetch(wanted.job(span), content).await?;
            add(fetched);
        }
        Ok(content.into())
    }

    /// The ETag of what was read, without quotes.
    pub(crate) fn etag(&self) -> Option<String> {
        self.0.1.lock().unwrap_or_else(PoisonError::into_inner).etag().map(str::to_owned)
    }

    /// Verified, not verifiable, or damaged. All of it must have been read.
    pub(crate) fn judge(self) -> Result<Received, GetError> {
        let (wanted, check) = &*self.0;
        let mut check = check.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *check, Check::new(wanted)).judge()
    }
}
