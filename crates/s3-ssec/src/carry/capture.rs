//! An answer as it came, before the SDK reads it: a header that is there twice stays visible.

use aws_sdk_s3::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use s3_ssec_core::transfer::Answer;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Debug, Default)]
pub(super) struct Capture(Arc<Mutex<Option<Captured>>>);

/// As much of an answer as came.
pub(super) enum Captive {
    Nothing,
    /// It began, and its body could not be read, or not be believed.
    Broken,
    Whole(Answer),
}

#[derive(Debug, Default)]
struct Captured {
    answer: Answer,
    has_body: bool,
}

impl Capture {
    /// The answer, if its body is not needed or could be read to its end.
    pub(super) fn take(&self, is_body_needed: bool) -> Captive {
        let captured = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match captured {
            None => Captive::Nothing,
            Some(captured) if captured.has_body || !is_body_needed => {
                Captive::Whole(captured.answer)
            }
            Some(_) => Captive::Broken,
        }
    }

    /// Takes the content of an answer that the SDK does not read by itself.
    pub(super) fn read(&self, content: &[u8]) {
        let mut captured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(captured) = captured.as_mut() {
            captured.answer.body = content.to_vec();
            captured.has_body = true;
        }
    }
}

impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "answers as they come"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        // `iter` leaves out what is not text, as if it were not there.
        let headers = answer.headers().iter_bytes();
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_vec()));
        let answer =
            Answer { status: answer.status().as_u16(), headers: headers.collect(), body: vec![] };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Captured { answer, has_body: false });
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut captured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(captured), Some(body)) = (captured.as_mut(), context.response().body().bytes())
        {
            captured.answer.body = body.to_vec();
            captured.has_body = true;
        }
        Ok(())
    }
}
