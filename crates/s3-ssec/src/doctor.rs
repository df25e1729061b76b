//! What a gateway really does with customer keys, tried on scratch objects and told row by row.
//!
//! Every probe uses throw-away keys, below a random prefix of the bucket or in a scratch bucket of its
//! own; both are gone at the end, also after an interruption, and after a crash with the next run.
//! What could harm a gateway in use is never sent: RGW 18.2.7 aborts on a wrong trailer signature, and
//! RGW 16 takes `DELETE ?encryption` for the deletion of the bucket.

mod connection;
mod copies;
mod encryption;
pub(crate) mod exam;
mod features;
mod form;
pub(crate) mod place;
mod server;
mod settings;
mod traps;

use crate::call::CallError;
use crate::client::Client;
use crate::presign::PresignError;
use crate::watch::Watch;
use exam::Exam;
use s3_ssec_core::key::RandomError;
use s3_ssec_core::names::{BucketName, NameError};
use s3_ssec_core::policy::PolicyError;
use s3_ssec_core::profile::Profile;
use s3_ssec_core::request::RequestError;
use std::fmt;

/// What a row means for somebody who wants to use the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth to know; nothing is to be done.
    Note,
    /// It could not be tried.
    Untried,
    /// Other programs fall into it; this one does not.
    Caution,
    /// Data would be lost, or would not be encrypted.
    Danger,
}

/// Which question a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// How the gateway is reached.
    Connection,
    /// Whether it encrypts, and keeps other keys out.
    Encryption,
    /// Where it answers 200 and stores plaintext.
    Traps,
    /// What it can copy.
    Copies,
    /// What else it can do.
    Features,
    /// What its buckets can be told.
    Settings,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// A short name that does not change.
    pub name: &'static str,
    /// Which question it belongs to.
    pub topic: Topic,
    /// What it means, in a word.
    pub verdict: Verdict,
    /// What was tried.
    pub tried: &'static str,
    /// What came back.
    pub saw: String,
    /// What it means.
    pub means: String,
    /// What to change, or which option avoids it.
    pub todo: Option<String>,
}

/// All that was tried on one gateway and bucket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Examination {
    /// What the gateway can do, for later commands.
    pub profile: Profile,
    /// Everything that was tried.
    pub rows: Vec<Row>,
    /// Scratch objects and buckets that could not be removed.
    pub left: Vec<String>,
}

impl Examination {
    /// True if customer keys do here what they are for.
    pub fn encrypts(&self) -> bool {
        let of_keys = self.rows.iter().filter(|row| row.topic == Topic::Encryption);
        of_keys.clone().count() > 0
            && of_keys.into_iter().all(|row| !matches!(row.verdict, Verdict::Danger))
            && self.rows.iter().any(|row| row.name == "put" && row.verdict == Verdict::Good)
    }

    /// The worst verdict.
    pub fn worst(&self) -> Option<Verdict> {
        self.rows.iter().map(|row| row.verdict).max()
    }
}

/// An examination could not begin, or was interrupted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoctorError {
    /// The gateway was not reached, or does not let us into the bucket.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Requests cannot be signed.
    #[error(transparent)]
    Sign(#[from] PresignError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The bucket's name leaves no room for a scratch object.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Interrupted; scratch objects are gone.
    #[error("interrupted")]
    Stopped,
}

/// One probe did not come to an end; its row says why.
#[derive(Debug, thiserror::Error)]
enum ProbeError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A step before the one on trial did not succeed.
    #[error("{0}")]
    Before(String),
}

impl Client {
    /// Examines the gateway, with scratch objects in `bucket`. Remembers the profile in the state
    /// directory, and gives it with all that was seen.
    pub async fn examine(
        &self,
        bucket: &BucketName,
        watch: &Watch,
    ) -> Result<Examination, DoctorError> {
        // Who may not even list the bucket learns that in plain words.
        self.list_page(bucket, place::NOWHERE, None, None).await?;
        self.clear_examinations(bucket).await;
        let mut exam = Exam::new(self, bucket).await?;
        let note = self.note_examination(&exam.place);
        let mut rows = Rows::default();
        let work = all(&mut exam, &mut rows);
        let finished = watch.unless_stopped(work).await;
        let left = exam.place.clear(self).await;
        if let (Some(note), true) = (note, left.is_empty()) {
            note.remove();
        }
        finished.ok_or(DoctorError::Stopped)?;
        rows.add(Topic::Connection, "redirects", connection::REDIRECTS, Ok(exam.redirects()));
        let profile = exam.profile;
        self.remember_profile(&profile);
        Ok(Examination { profile, rows: rows.0, left })
    }
}

async fn all(exam: &mut Exam<'_>, rows: &mut Rows) {
    connection::check(exam, rows).await;
    if !encryption::takes_keys(exam, rows).await {
        // Everything else would fail for the same reason.
        return;
    }
    encryption::check(exam, rows).await;
    traps::check(exam, rows).await;
    copies::check(exam, rows).await;
    features::check(exam, rows).await;
    server::check(exam, rows).await;
    settings::check(exam, rows).await;
}

/// What a probe found out.
struct Seen {
    verdict: Verdict,
    saw: String,
    means: String,
    todo: Option<String>,
}

impl Seen {
    fn new(verdict: Verdict, saw: impl fmt::Display, means: impl Into<String>) -> Self {
        Self { verdict, saw: saw.to_string(), means: means.into(), todo: None }
    }

    fn good(saw: impl fmt::Display, means: impl Into<String>) -> Self {
        Self::new(Verdict::Good, saw, means)
    }

    fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo = Some(todo.into());
        self
    }
}

#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    fn add(
        &mut self,
        topic: Topic,
        name: &'static str,
        tried: &'static str,
        seen: Result<Seen, ProbeError>,
    ) {
        let seen = seen.unwrap_or_else(|error| {
            Seen::new(
                Verdict::Untried,
                error,
                "nothing is known: the probe did not come to its end",
            )
        });
        let Seen { verdict, saw, means, todo } = seen;
        self.0.push(Row { name, topic, verdict, tried, saw, means, todo });
    }
}
