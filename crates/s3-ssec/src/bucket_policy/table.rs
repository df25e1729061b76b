//! Every way to write, tried under the policy that stands: what passes, what is refused.
//!
//! A policy is judged anew for each request, by that request's own headers, so a bucket can refuse a
//! PUT and let a copy pass. The table tries them all, as the owner of the bucket and as a second user.

use super::{PolicyError, Rule};
use crate::call::{CallError, WithKey as _};
use crate::client::Client;
use crate::doctor::exam::exchange;
use crate::doctor::place::ScratchPlace;
use crate::form::Form;
use crate::presign::now;
use crate::watch::Watch;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use http::Method;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const TRIAL: &[u8] = b"trial";

/// One way to write, with a customer key or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Write {
    /// PutObject.
    Put,
    /// CreateMultipartUpload.
    Create,
    /// UploadPart.
    Part,
    /// CompleteMultipartUpload.
    Complete,
    /// CopyObject, from a plain object.
    Copy,
    /// A form (POST Object).
    Form,
}

impl Write {
    const ALL: [Write; 6] =
        [Write::Put, Write::Create, Write::Part, Write::Complete, Write::Copy, Write::Form];

    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Write::Put => "put",
            Write::Create => "create",
            Write::Part => "part",
            Write::Complete => "complete",
            Write::Copy => "copy",
            Write::Form => "form",
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cell {
    /// It succeeded.
    Passed,
    /// 403.
    Refused,
    /// Another refusal, with this status: the policy let it pass, and it failed behind it.
    Failed(u16),
    /// A step before it was refused.
    Untried,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Passed => f.write_str("passed"),
            Cell::Refused => f.write_str("refused"),
            Cell::Failed(status) => write!(f, "failed ({status})"),
            Cell::Untried => f.write_str("untried"),
        }
    }
}

/// One way to write, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyRow {
    /// The request.
    pub write: Write,
    /// True if a customer key was sent with it.
    pub with_key: bool,
    /// What the rules say must become of it; `None` without a rule.
    pub said: Option<super::Outcome>,
    /// As the owner of the bucket, or whoever asked.
    pub owner: Cell,
    /// As the second user, where there is one.
    pub second: Option<Cell>,
}

impl PolicyRow {
    /// True if the rules say it is refused and it passed, or the other way round. A second user may
    /// be refused for want of rights, so only what passes counts against a rule there.
    pub fn surprises(&self) -> bool {
        use super::Outcome::{Passed, Refused};
        if self.is_known_gap() {
            return false;
        }
        match self.said {
            None => false,
            Some(Refused) => self.owner == Cell::Passed || self.second == Some(Cell::Passed),
            Some(Passed) => self.owner == Cell::Refused,
        }
    }

    /// Copies: no release of RGW tells a policy whether a copy is made under a customer key, so a
    /// require rule refuses all of them and a block rule none (measured up to 20.2.4).
    pub fn is_known_gap(&self) -> bool {
        self.write == Write::Copy && self.with_key
    }
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyTable {
    /// In the order in which they were tried.
    pub rows: Vec<PolicyRow>,
    /// Scratch objects and buckets that could not be removed.
    pub left: Vec<String>,
}

impl PolicyTable {
    /// The rows in which the bucket does something else than its rules say.
    pub fn surprises(&self) -> impl Iterator<Item = &PolicyRow> {
        self.rows.iter().filter(|row| row.surprises())
    }
}

fn said(rules: &[Rule], with_key: bool) -> Option<super::Outcome> {
    let refused = rules.iter().any(|rule| match rule {
        Rule::RequireSsec => !with_key,
        Rule::BlockSsec => with_key,
        Rule::RequireTls => false,
    });
    match (rules.is_empty(), refused) {
        (true, _) => None,
        (false, true) => Some(super::Outcome::Refused),
        (false, false) => Some(super::Outcome::Passed),
    }
}

impl Client {
    /// Tries every way to write under the policy that stands, below a random prefix, and takes it all
    /// away again. `second` is a client with another user's credentials.
    pub async fn policy_table(
        &self,
        bucket: &BucketName,
        rules: &[Rule],
        second: Option<&Client>,
        watch: &Watch,
    ) -> Result<PolicyTable, PolicyError> {
        self.clear_examinations(bucket).await;
        let place = ScratchPlace::new(bucket)?;
        let note = self.note_examination(&place);
        let theirs = ScratchPlace::new(bucket)?;
        let work = async {
            let owner = User::new(self, bucket, &place, &place.own, "owner").try_all().await?;
            let second = match second {
                Some(second) => {
                    let user = User::new(second, bucket, &place, &theirs.own, "second");
                    Some(user.try_all().await?)
                }
                None => None,
            };
            Ok::<_, PolicyError>((owner, second))
        };
        let tried = watch.unless_stopped(work).await;
        let mut left = place.clear(self).await;
        if let Some(second) = second
            && theirs.clear_own(second).await.is_err()
        {
            left.push(format!("s3://{}", theirs.own));
        }
        if let (Some(note), true) = (note, left.is_empty()) {
            note.remove();
        }
        let (owner, second) = tried.ok_or(PolicyError::Stopped)??;
        let row = |(index, (write, with_key, owner)): (usize, (Write, bool, Cell))| PolicyRow {
            write,
            with_key,
            said: said(rules, with_key),
            owner,
            second: second.as_ref().and_then(|cells| cells.get(index)).map(|cell| cell.2),
        };
        let rows = owner.into_iter().enumerate().map(row).collect();
        Ok(PolicyTable { rows, left })
    }
}

/// Who tries, and where.
struct User<'a> {
    client: &'a Client,
    bucket: &'a BucketName,
    prefix: String,
    /// A bucket of their own, for the source of copies.
    own: &'a BucketName,
}

/// A half-done upload.
struct Begun {
    name: ObjectName,
    id: String,
}

impl<'a> User<'a> {
    fn new(
        client: &'a Client,
        bucket: &'a BucketName,
        place: &ScratchPlace,
        own: &'a BucketName,
        who: &str,
    ) -> Self {
        Self { client, bucket, prefix: format!("{}{who}-", place.prefix()), own }
    }

    fn name(&self, key: &str) -> Result<ObjectName, PolicyError> {
        let key = ObjectKey::parse(&format!("{}{key}", self.prefix));
        let key = key.map_err(crate::doctor::DoctorError::from)?;
        Ok(ObjectName::new(self.bucket.clone(), key))
    }

    async fn try_all(&self) -> Result<Vec<(Write, bool, Cell)>, PolicyError> {
        // A throw-away key, so that a trial shows the gateway nothing of worth.
        let key = Arc::new(TargetKeyHeaders::of(&CustomerKey::generate()?));
        let (keys, mut begun) = ([None, Some(&key)], [None, None]);
        let mut cells = Vec::new();
        for write in Write::ALL {
            for (index, key) in keys.into_iter().enumerate() {
                let cell = match write {
                    Write::Put => self.put(key).await?,
                    Write::Create => {
                        let (cell, upload) = self.create(key).await?;
                        begun[index] = upload;
                        cell
                    }
                    // Where an upload of its own kind may not begin, the other kind serves.
                    Write::Part => match begun[index].as_ref().or(begun[1 - index].as_ref()) {
                        Some(upload) => cell(self.part(upload, key).await)?.0,
                        None => Cell::Untried,
                    },
                    Write::Complete => self.complete(key, &keys).await?,
                    Write::Copy => self.copy(key).await?,
                    Write::Form => self.form(key).await?,
                };
                cells.push((write, key.is_some(), cell));
            }
        }
        Ok(cells)
    }

    async fn put(&self, key: Key<'_>) -> Result<Cell, PolicyError> {
        let name = self.name(if key.is_some() { "keyed" } else { "plain" })?;
        Ok(cell(self.put_object(&name, key).await)?.0)
    }

    async fn put_object(&self, name: &ObjectName, key: Key<'_>) -> Result<(), CallError> {
        let request = self.client.s3.put_object();
        let request = request.bucket(name.bucket.as_str()).key(name.key.as_str());
        let request = request.body(ByteStream::from_static(TRIAL)).customize();
        let answer = with(request, key, |request, key| request.key(key)).send().await;
        answer.map(drop).map_err(self.client.explain(Operation::PutObject, sent(key)))
    }

    async fn create(&self, key: Key<'_>) -> Result<(Cell, Option<Begun>), PolicyError> {
        let name = self.name(if key.is_some() { "keyed-parts" } else { "plain-parts" })?;
        let request = self.client.s3.create_multipart_upload();
        let request = request.bucket(name.bucket.as_str()).key(name.key.as_str()).customize();
        let answer = with(request, key, |request, key| request.key(key)).send().await;
        let explain = self.client.explain(Operation::CreateMultipartUpload, sent(key));
        let (cell, answer) = cell(answer.map_err(explain))?;
        let id = answer.and_then(|answer| answer.upload_id);
        Ok((cell, id.map(|id| Begun { name, id })))
    }

    async fn part(&self, upload: &Begun, key: Key<'_>) -> Result<String, CallError> {
        let Begun { name, id } = upload;
        let request = self.client.s3.upload_part();
        let request = request.bucket(name.bucket.as_str()).key(name.key.as_str());
        let request = request.upload_id(id).part_number(1).body(ByteStream::from_static(TRIAL));
        let request = with(request.customize(), key, |request, key| request.key(key));
        let answer = request.send().await;
        let answer = answer.map_err(self.client.explain(Operation::UploadPart, sent(key)))?;
        Ok(answer.e_tag.unwrap_or_default())
    }

    /// Completes an upload of its own, of the kind that may begin.
    async fn complete(&self, key: Key<'_>, keys: &[Key<'_>; 2]) -> Result<Cell, PolicyError> {
        let same = usize::from(key.is_some());
        for kind in [keys[same], keys[1 - same]] {
            let (_, Some(upload)) = self.create(kind).await? else { continue };
            let Ok(etag) = self.part(&upload, kind).await else { continue };
            let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
            let list = CompletedMultipartUpload::builder().parts(part).build();
            let request = self.client.s3.complete_multipart_upload();
            let request = request.bucket(upload.name.bucket.as_str());
            let request = request.key(upload.name.key.as_str()).upload_id(&upload.id);
            let request = request.multipart_upload(list).customize();
            let answer = with(request, key, |request, key| request.key(key)).send().await;
            let explain = self.client.explain(Operation::CompleteMultipartUpload, sent(key));
            return Ok(cell(answer.map_err(explain))?.0);
        }
        Ok(Cell::Untried)
    }

    async fn copy(&self, key: Key<'_>) -> Result<Cell, PolicyError> {
        let source = ObjectKey::parse("source").map_err(crate::doctor::DoctorError::from)?;
        let source = ObjectName::new(self.own.clone(), source);
        // Who may make no bucket has no source to copy from.
        let made = self.client.create_bucket(self.own, None).await;
        if made.is_err() && self.put_object(&source, None).await.is_err() {
            return Ok(Cell::Untried);
        }
        if self.put_object(&source, None).await.is_err() {
            return Ok(Cell::Untried);
        }
        let name = self.name(if key.is_some() { "keyed-copy" } else { "plain-copy" })?;
        let request = self.client.s3.copy_object();
        let request = request.bucket(name.bucket.as_str()).key(name.key.as_str());
        let request = request.copy_source(source.as_copy_source(None)).customize();
        let answer = with(request, key, |request, key| request.key(key)).send().await;
        Ok(cell(answer.map_err(self.client.explain(Operation::CopyObject, sent(key))))?.0)
    }

    async fn form(&self, key: Key<'_>) -> Result<Cell, PolicyError> {
        let name = self.name(if key.is_some() { "keyed-form" } else { "plain-form" })?;
        let mut signer = self.client.signer().await.map_err(crate::doctor::DoctorError::from)?;
        // In lower case: RGW from 17 on takes no other spelling.
        let fields: Vec<_> = key.map(|key| key.pairs().to_vec()).unwrap_or_default();
        let fields = fields.into_iter();
        let fields: Vec<_> = fields
            .map(|(name, value)| (name.to_lowercase(), Zeroizing::new(value.to_owned())))
            .collect();
        let file = String::from_utf8_lossy(TRIAL);
        let form = Form::new(self.client.endpoint(), &mut signer, now(), &name, &fields, &file);
        let Form { url, headers, body } = &form;
        let transport = &self.client.transport;
        let answer = exchange(transport, Method::POST, url, headers, body.as_bytes()).await?;
        Ok(match answer.status {
            200..=299 => Cell::Passed,
            403 => Cell::Refused,
            status => Cell::Failed(status),
        })
    }
}

/// A key to send, or none.
type Key<'a> = Option<&'a Arc<TargetKeyHeaders>>;

fn with<R>(request: R, key: Key<'_>, add: impl FnOnce(R, &Arc<TargetKeyHeaders>) -> R) -> R {
    match key {
        Some(key) => add(request, key),
        None => request,
    }
}

fn sent(key: Key<'_>) -> SentKey {
    if key.is_some() { SentKey::Target } else { SentKey::None }
}

/// What became of a request, and its answer; an error if the gateway was not reached.
fn cell<T>(answer: Result<T, CallError>) -> Result<(Cell, Option<T>), CallError> {
    match answer {
        Ok(answer) => Ok((Cell::Passed, Some(answer))),
        Err(error) => match error.status() {
            Some(403) => Ok((Cell::Refused, None)),
            Some(status) => Ok((Cell::Failed(status), None)),
            None => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome::{Passed, Refused};
    use super::*;

    #[test]
    fn rules_say_what_must_become_of_a_write() {
        assert_eq!(said(&[], true), None);
        assert_eq!(said(&[Rule::RequireSsec], true), Some(Passed));
        assert_eq!(said(&[Rule::RequireSsec], false), Some(Refused));
        assert_eq!(said(&[Rule::BlockSsec, Rule::RequireTls], true), Some(Refused));
        assert_eq!(said(&[Rule::RequireTls], false), Some(Passed));
    }

    #[test]
    fn a_surprise_is_what_a_rule_does_not_say() {
        let row = |said, owner, second| PolicyRow {
            write: Write::Put,
            with_key: false,
            said,
            owner,
            second,
        };
        assert!(!row(None, Cell::Passed, None).surprises());
        assert!(!row(Some(Refused), Cell::Refused, Some(Cell::Refused)).surprises());
        assert!(!row(Some(Refused), Cell::Failed(400), None).surprises());
        assert!(row(Some(Refused), Cell::Passed, None).surprises());
        assert!(row(Some(Refused), Cell::Refused, Some(Cell::Passed)).surprises());
        assert!(row(Some(Passed), Cell::Refused, None).surprises());
        assert!(!row(Some(Passed), Cell::Passed, Some(Cell::Refused)).surprises(), "no rights");
        let copy =
            PolicyRow { write: Write::Copy, with_key: true, ..row(None, Cell::Passed, None) };
        assert!(!PolicyRow { said: Some(Refused), ..copy }.surprises());
    }
}
