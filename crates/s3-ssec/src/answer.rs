//! Answers are limited before they are read, and judged before they are believed.
//!
//! The SDK collects the body of every answer that is not an object's content in memory, however long
//! it gets, and its parsers take what is missing for absent. So the body of every answer passes through
//! here on its way to the SDK: it ends with an error where it is larger than any answer of its kind can
//! be, or slower than [`SLOWEST`]. A listing is collected and judged by the core
//! ([`s3_ssec_core::listing`]), which also reads it: the SDK gets a stub in its place.

use crate::transport::{TooSlow, find, silence};
use aws_sdk_s3::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeSerializationInterceptorContextRef, InterceptorContext,
};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use s3_ssec_core::listing::{Listing, ListingError, PAGE_MAX, Page};
use s3_ssec_core::xml::{self, XmlError};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Bytes a second below which an answer is given up, over the time-out of a silent gateway.
const SLOWEST: u128 = 1 << 10;
/// Bytes of an answer that is neither a content nor a listing, at most.
const SMALL_MAX: u64 = 1 << 20;
/// Operations whose answer is as long as the stored object.
const CONTENTS: [&str; 3] = ["GetObject", "GetObjectTorrent", "SelectObjectContent"];
/// Operations during which servers send blanks now and then, so that clients keep waiting.
const LONG: [&str; 3] = ["CompleteMultipartUpload", "CopyObject", "UploadPartCopy"];
/// As many times as long as another may a long operation take without an answer.
const LONGER: u32 = 10;

/// The answer is larger than any of its kind.
#[derive(Debug, thiserror::Error)]
#[error("the answer is larger than {} MiB, as none of its kind is", .0 >> 20)]
pub(crate) struct TooLarge(u64);

/// Limits the answers of a client.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How long a gateway may be silent.
    pub(crate) silence: Duration,
}

impl Intercept for Limits {
    fn name(&self) -> &'static str {
        "limits of answers"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = bag.load::<Metadata>().map(Metadata::name).unwrap_or_default();
        let answer = context.response_mut();
        let is_success = answer.status().is_success();
        let most = match is_success {
            true if CONTENTS.contains(&operation) => u64::MAX,
            true if operation.starts_with("List") => PAGE_MAX as u64,
            _ => SMALL_MAX,
        };
        let longer = if LONG.contains(&operation) { LONGER } else { 1 };
        let inner = std::mem::replace(answer.body_mut(), SdkBody::taken());
        let limited = Limited { inner, left: most, most, pace: Pace::new(self.silence * longer) };
        *answer.body_mut() = match bag.load::<Judge>() {
            Some(judge) if is_success => SdkBody::from_body_1_x(judge.body(limited)),
            _ => SdkBody::from_body_1_x(limited),
        };
        Ok(())
    }

    /// The SDK is content with the first half of a document.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.response().body().bytes().map(<[u8]>::trim_ascii_start) {
            Some(body @ [b'<', ..]) if context.response().status().is_success() => {
                Ok(xml::is_whole(body)?)
            }
            _ => Ok(()),
        }
    }
}

/// A fault of an answer that the next one has too, or that has already taken long.
#[derive(Debug)]
pub(crate) struct NoRetry;

impl ClassifyRetry for NoRetry {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if !error.is_connector_error() && is_judged(error) => {
                RetryAction::RetryForbidden
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "answers that were judged"
    }
}

/// True if one of the errors of this module ended an answer, or silence did.
pub(crate) fn is_judged(error: &(dyn std::error::Error + 'static)) -> bool {
    find::<ListingError>(error).is_some()
        || find::<XmlError>(error).is_some()
        || find::<TooLarge>(error).is_some()
        || find::<TooSlow>(error).is_some()
        || silence(error).is_some()
}

/// Asks for an answer to be judged as a listing.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    listing: Listing,
    page: Arc<Mutex<Option<Page>>>,
}

impl Judge {
    pub(crate) fn new(listing: Listing) -> Self {
        Self { listing, page: Arc::default() }
    }

    /// The page that came, if one did.
    pub(crate) fn page(&self) -> Option<Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn body(&self, inner: Limited) -> Judged {
        Judged { inner, judge: self.clone(), collected: Vec::new(), is_done: false }
    }

    /// Reads the answer, keeps the page, and gives what the SDK is to read in its place.
    fn judge(&self, answer: &[u8]) -> Result<Bytes, ListingError> {
        let page = self.listing.read(answer)?;
        *self.page.lock().unwrap_or_else(PoisonError::into_inner) = Some(page);
        Ok(format!("<{0}></{0}>", self.listing.root()).into())
    }
}

impl Storable for Judge {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Judge {
    fn name(&self) -> &'static str {
        "judge of a listing"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bag.interceptor_state().store_put(self.clone());
        Ok(())
    }
}

/// A body that is collected, judged, and replaced by a stub.
struct Judged {
    inner: Limited,
    judge: Judge,
    collected: Vec<u8>,
    is_done: bool,
}

impl Body for Judged {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while !self.is_done {
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => {
                    self.collected.extend_from_slice(frame.data_ref().map_or(&[], Bytes::as_ref));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.is_done = true;
                    let collected = std::mem::take(&mut self.collected);
                    let stub = self.judge.judge(&collected);
                    return Poll::Ready(Some(stub.map(Frame::data).map_err(BoxError::from)));
                }
            }
        }
        Poll::Ready(None)
    }
}

/// A body that ends with an error where it is too large or too slow.
struct Limited {
    inner: SdkBody,
    left: u64,
    most: u64,
    pace: Pace,
}

impl Body for Limited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { inner, left, most, pace } = &mut *self;
        let frame = match Pin::new(inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(done) => return Poll::Ready(done),
            Poll::Pending => {
                return pace.wait(context).map(|slow| Some(Err(BoxError::from(slow))));
            }
        };
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        if *most != u64::MAX {
            match left.checked_sub(length) {
                Some(rest) => *left = rest,
                None => return Poll::Ready(Some(Err(TooLarge(*most).into()))),
            }
        }
        Poll::Ready(Some(pace.moved(length).map(|()| frame).map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.inner)
    }
}

/// Counts what comes while it is waited for: who reads slowly is not to blame for the gateway's pace.
struct Pace {
    window: Duration,
    /// Spent waiting in this window, but for the wait under way.
    waited: Duration,
    since: Option<Instant>,
    bytes: u64,
    alarm: Pin<Box<Sleep>>,
}

impl Pace {
    fn new(window: Duration) -> Self {
        let alarm = Box::pin(tokio::time::sleep(window));
        Self { window, waited: Duration::ZERO, since: None, bytes: 0, alarm }
    }

    fn moved(&mut self, bytes: u64) -> Result<(), TooSlow> {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes;
        if self.waited >= self.window { self.judge() } else { Ok(()) }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<TooSlow> {
        loop {
            if self.since.is_none() {
                let now = Instant::now();
                self.since = Some(now);
                self.alarm.as_mut().reset(now + self.window.saturating_sub(self.waited));
            }
            ready!(self.alarm.as_mut().poll(context));
            self.since = None;
            if let Err(slow) = self.judge() {
                return Poll::Ready(slow);
            }
        }
    }

    /// Ends a window.
    fn judge(&mut self) -> Result<(), TooSlow> {
        let (seconds, least) = (self.window.as_secs(), self.window.as_millis() * SLOWEST / 1000);
        if u128::from(self.bytes) < least {
            return Err(TooSlow { what: "it sent less than 1 KiB a second", seconds });
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

/// The words for an answer that could not be read to its end.
pub(crate) fn what_is_wrong(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let listing = find::<ListingError>(error).map(ToString::to_string);
    let whole = || find::<XmlError>(error).map(ToString::to_string);
    listing.or_else(whole).or_else(|| find::<TooLarge>(error).map(ToString::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt as _, stream};
    use std::time::Duration;

    const WINDOW: Duration = Duration::from_millis(500);

    fn body(pieces: Vec<(u64, usize)>, most: u64) -> Limited {
        let pieces = stream::iter(pieces).then(|(wait, length)| async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            Ok::<_, BoxError>(Frame::data(Bytes::from(vec![0; length])))
        });
        let inner = SdkBody::from_body_1_x(Pieces(Mutex::new(pieces.boxed())));
        Limited { inner, left: most, most, pace: Pace::new(WINDOW) }
    }

    struct Pieces(Mutex<stream::BoxStream<'static, Result<Frame<Bytes>, BoxError>>>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            self.0.lock().unwrap().poll_next_unpin(context)
        }
    }

    async fn read(mut body: Limited) -> Result<u64, BoxError> {
        let mut length = 0;
        while let Some(frame) = std::future::poll_fn(|c| Pin::new(&mut body).poll_frame(c)).await {
            length += frame?.data_ref().map_or(0, Bytes::len) as u64;
        }
        Ok(length)
    }

    #[tokio::test]
    async fn what_is_larger_than_its_kind_ends() {
        assert_eq!(read(body(vec![(0, 60), (0, 40)], 100)).await.unwrap(), 100);
        let error = read(body(vec![(0, 60), (0, 41)], 100)).await.unwrap_err();
        assert!(error.downcast_ref::<TooLarge>().is_some(), "{error}");
        assert_eq!(read(body(vec![(0, 9 << 20)], u64::MAX)).await.unwrap(), 9 << 20);
    }

    #[tokio::test]
    async fn a_trickle_ends_and_a_slow_line_does_not() {
        let begun = Instant::now();
        let error = read(body(vec![(20, 1); 1000], u64::MAX)).await.unwrap_err();
        assert!(error.downcast_ref::<TooSlow>().is_some(), "{error}");
        assert!(begun.elapsed() < WINDOW * 4);
        assert_eq!(read(body(vec![(20, 100); 60], u64::MAX)).await.unwrap(), 6000);
        // A short answer that took its time is fast enough.
        assert_eq!(read(body(vec![(250, 30)], u64::MAX)).await.unwrap(), 30);
    }

    #[test]
    fn a_listing_that_broke_off_has_no_page() {
        let judge = Judge::new(Listing::Objects);
        let whole = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        assert!(judge.judge(whole.as_bytes()).is_ok() && judge.page().is_some());
        assert!(judge.judge(&whole.as_bytes()[..60]).is_err() && judge.page().is_none());
    }
}
