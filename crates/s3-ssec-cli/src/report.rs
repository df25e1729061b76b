//! Errors for people: what happened, what to do next, and an exit code for programs.

mod native;
pub(crate) mod rekey;
#[cfg(test)]
mod tests;
pub(crate) mod usage;
mod work;

use crate::text::{printable, without_keys};
use s3_ssec::Refusal;
use s3_ssec::core::advice::Cause;
use s3_ssec::core::names::{BucketName, ObjectName, S3Address};
use serde_json::{Value, json};
use std::fmt;
use std::process::ExitCode;

/// How a command can end badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It did not work.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Not proved to be encrypted, or not what was uploaded.
    NotProved = 3,
    /// The key is missing, wrong or unreadable.
    Key = 4,
    /// It would not have been safe.
    Unsafe = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) what: String,
    pub(crate) todo: String,
    /// Boxed, so that results stay small.
    gateway: Option<Box<Answer>>,
    missing: Option<Box<Missing>>,
}

/// What was named and is not there.
#[derive(Debug)]
pub(crate) enum Missing {
    Bucket(BucketName),
    Object(ObjectName),
}

/// What the gateway said, for `-v` and for programs.
#[derive(Debug)]
struct Answer {
    cause: Cause,
    status: u16,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

impl Failure {
    /// `what` is a fragment in lower case, `todo` an imperative sentence.
    pub(crate) fn new(exit: Exit, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { exit, what: what.into(), todo: todo.into(), gateway: None, missing: None }
    }

    /// A failure whose parts were told one by one: only the exit code is left to say.
    pub(crate) fn reported(exit: Exit) -> Self {
        Self::new(exit, String::new(), String::new())
    }

    /// What happened.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// True if there is nothing more to say.
    pub(crate) fn is_told(&self) -> bool {
        self.what.is_empty()
    }

    fn refused(exit: Exit, refusal: &Refusal) -> Self {
        let clean = |text: &Option<String>| text.as_deref().map(without_keys);
        let answer = Answer {
            cause: refusal.advice.cause,
            status: refusal.status,
            code: clean(&refusal.code),
            message: clean(&refusal.message),
            request_id: clean(&refusal.request_id),
        };
        let failure =
            Self::new(exit, &refusal.advice.what, native::at_a_shell(refusal.advice.remedy));
        Self { gateway: Some(Box::new(answer)), ..failure }
    }

    /// Says what it is about, unless the text does.
    pub(crate) fn about(mut self, subject: &impl fmt::Display) -> Self {
        let subject = subject.to_string();
        if self.gateway.as_ref().is_some_and(|answer| answer.cause == Cause::NoSuchBucket)
            && let Ok(address) = S3Address::parse(&subject)
        {
            self.missing = Some(Box::new(Missing::Bucket(address.bucket)));
        }
        if !names(&self.what, &subject) {
            self.what = format!("{subject}: {}", self.what);
        }
        self
    }

    /// Remembers which object does not exist.
    pub(crate) fn without(self, object: ObjectName) -> Self {
        Self { missing: Some(Box::new(Missing::Object(object))), ..self }
    }

    /// The bucket or object that does not exist, if that is why.
    pub(crate) fn missing(&self) -> Option<&Missing> {
        self.missing.as_deref()
    }

    /// Puts another step in the place of what is to be done.
    pub(crate) fn instead(mut self, todo: &str) -> Self {
        todo.clone_into(&mut self.todo);
        self
    }

    /// Puts another step before what is to be done.
    pub(crate) fn first(mut self, step: &str) -> Self {
        self.todo = format!("{step} {}", self.todo);
        self
    }

    /// Logs what the gateway said.
    pub(crate) fn log(&self) {
        if let Some(Answer { status, code, message, request_id, .. }) = self.gateway.as_deref() {
            let text = |text: &Option<String>| printable(text.as_deref().unwrap_or("none"));
            tracing::info!(
                "the gateway answered {status}, code {}, message {}, request ID {}",
                text(code),
                text(message),
                text(request_id)
            );
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut error = json!({
            "exit_code": self.exit as u8,
            "what": self.what,
            "todo": self.todo,
        });
        if let Some(Answer { status, code, message, request_id, .. }) = self.gateway.as_deref() {
            error["gateway"] = json!({
                "status": status,
                "code": code,
                "message": message,
                "request_id": request_id,
            });
        }
        json!({ "error": error })
    }
}

/// True if `text` has `subject` as a word of its own: `s3://b/ab` does not name `s3://b/a`.
fn names(text: &str, subject: &str) -> bool {
    text.match_indices(subject).any(|(start, _)| {
        let rest = &text[start + subject.len()..];
        let mut after = rest.chars();
        match after.next() {
            None | Some(' ' | ',' | ';' | '"') => true,
            Some(':' | '.') => after.next().is_none_or(|next| next == ' '),
            Some(_) => false,
        }
    })
}

/// Exactly two lines.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "s3-ssec: {}", printable(&self.what))?;
        writeln!(f, "  {}", printable(&self.todo))
    }
}

/// Names the object or bucket that an error is about.
pub(crate) trait About<T> {
    fn about(self, subject: &impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> About<T> for Result<T, E> {
    fn about(self, subject: &impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| error.into().about(subject))
    }
}
