//! Finds the key that opens an object, from the object itself.
//!
//! The record in the object's tag names the key and needs none to be read. Without a record the local
//! ledger and then the direct keys in scope are tried, and nothing else: a search shows candidate
//! keys to the gateway, so it is never automatic.

use crate::call::CallError;
use crate::client::{Client, Head, WithoutKey};
use crate::get::GetError;
use crate::nonce;
use s3_ssec_core::digest::ContentKey;
use s3_ssec_core::echo::{EchoError, EchoVerified, KeylessRead, verify_echo};
use s3_ssec_core::evidence::{Evidence, RecordSource, replaces_master};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Fingerprint, Key, Kind};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Content, KnownContent, Record, TAG_KEY};
use std::sync::Arc;

/// Which object, and what is accepted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// A version, on a versioned bucket; the newest where unset.
    pub version: Option<String>,
    /// The name under which the object was written, if its bucket was renamed or synchronised.
    pub origin: Option<ObjectName>,
    /// Accept objects that are not encrypted with a customer key, in buckets that hold both.
    pub accept_plain: bool,
    /// Refuse objects that are not under a master key.
    pub require_master: bool,
    /// Accept objects under a direct key whose name this machine last wrote under a master key.
    pub accept_replaced: bool,
}

/// What an object says of itself, and which key opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectState {
    /// Its record is genuine and complete.
    Described,
    /// Its record is genuine, but its upload was never finished.
    Pending,
    /// It is under a key derived from ours, but its record is gone.
    Stripped,
    /// It is under a direct key and never had a record: another tool wrote it.
    Foreign,
    /// It is not encrypted with a customer key.
    Plain,
}

/// An object with the key that opens it.
pub struct Located {
    /// What the object says of itself.
    pub state: ObjectState,
    /// The key of the person that opens it; `None` for a plain object.
    pub key: Option<Fingerprint>,
    /// The kind of that key.
    pub kind: Option<Kind>,
    pub(crate) headers: Option<Arc<TargetKeyHeaders>>,
    pub(crate) content_key: Option<Arc<ContentKey>>,
    pub(crate) content: Option<KnownContent>,
    pub(crate) head: Option<Head>,
    /// The record, where the ledger of this machine has it and no tag.
    pub(crate) noted: Option<Record>,
}

/// Everything HEAD and the record say about one object.
#[non_exhaustive]
pub struct Stat {
    /// What the object says of itself.
    pub state: ObjectState,
    /// The key of the person that opens it.
    pub key: Option<Fingerprint>,
    /// The kind of that key.
    pub kind: Option<Kind>,
    /// The evidence of its record; `None` where there is none.
    pub evidence: Option<Evidence>,
    /// What HEAD with that key says.
    pub head: Head,
    /// The tags besides the record; `None` where they may not be read.
    pub tags: Option<Vec<(String, String)>>,
    /// The record, in the tag or in the ledger of this machine.
    pub record: Option<Record>,
    /// True if no tag has the record, but the ledger of this machine.
    pub in_ledger: bool,
    /// That the gateway confirmed the key; `None` for a plain object.
    pub proof: Option<EchoVerified>,
}

impl Client {
    /// Finds the key for an object and asks for its metadata with it. Reads no byte of the content.
    pub async fn stat(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        options: &ReadOptions,
    ) -> Result<Stat, GetError> {
        let (located, head, tags) = self.inspect(keys, name, options).await?;
        let in_tag = record_in(tags.as_deref().unwrap_or_default()).and_then(Result::ok);
        let (in_ledger, record) =
            (located.noted.is_some(), in_tag.or_else(|| located.noted.clone()));
        let proof = match &located.headers {
            Some(headers) => Some(proved(name, headers, &head)?),
            None => None,
        };
        if proof.is_some() {
            self.refused_without_key(name, options).await?;
        }
        // No byte was read, but the size of what is there is not that of what was uploaded.
        if located.content.is_some_and(|known| known.size != head.size) {
            return Err(GetError::Damaged(name.clone()));
        }
        let tags = tags.map(|tags| tags.into_iter().filter(|(key, _)| key != TAG_KEY).collect());
        let evidence = located.evidence();
        let Located { state, key, kind, .. } = located;
        Ok(Stat { state, key, kind, evidence, head, tags, record, in_ledger, proof })
    }

    /// The negative half of a proof: the gateway has to say that the object needs a key. Some echo any
    /// key, on plaintext objects too.
    pub(crate) async fn refused_without_key(
        &self,
        name: &ObjectName,
        options: &ReadOptions,
    ) -> Result<(), GetError> {
        let error = match self.read_without_key(name, options.version.as_deref()).await? {
            KeylessRead::KeyNeeded => return Ok(()),
            KeylessRead::Absent => return Err(GetError::NotFound(name.clone())),
            KeylessRead::Readable => EchoError::Plaintext,
            KeylessRead::Unclear => EchoError::Unclear,
        };
        Err(GetError::NotProved { name: name.clone(), error })
    }

    /// What HEAD and the tags say, the record among them; `None` where tags may not be read.
    pub(crate) async fn inspect(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        options: &ReadOptions,
    ) -> Result<(Located, Head, Option<Vec<(String, String)>>), GetError> {
        let version = options.version.as_deref();
        let (tags, refused) = self.readable_tags(name, version).await?;
        let mut located = self.locate_by(keys, name, options, tags.as_deref(), refused).await?;
        let head = match (located.head.take(), &located.headers) {
            (Some(head), _) => head,
            (None, Some(headers)) => self.head(name, version, headers).await?,
            (None, None) => return Err(GetError::NotFound(name.clone())),
        };
        Ok((located, head, tags))
    }

    /// Finds the key for an object.
    pub async fn locate(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        options: &ReadOptions,
    ) -> Result<Located, GetError> {
        let (tags, refused) = self.readable_tags(name, options.version.as_deref()).await?;
        self.locate_by(keys, name, options, tags.as_deref(), refused).await
    }

    /// The tags, or why they may not be read: 403 is not "no record", and keys that need none are
    /// still tried.
    pub(crate) async fn readable_tags(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<(Option<Vec<(String, String)>>, Option<CallError>), GetError> {
        match self.tags(name, version).await {
            Ok(tags) => Ok((Some(tags), None)),
            Err(error) if error.status() == Some(404) => Err(GetError::NotFound(name.clone())),
            Err(error) if matches!(error.status(), Some(403 | 501)) => Ok((None, Some(error))),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn locate_by(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        options: &ReadOptions,
        tags: Option<&[(String, String)]>,
        refused: Option<CallError>,
    ) -> Result<Located, GetError> {
        let written_as = options.origin.as_ref().unwrap_or(name);
        let located = match record_in(tags.unwrap_or_default()).transpose()? {
            Some(record) => open(keys, &record, written_as)?,
            None => self.without_record(keys, name, written_as, options, refused).await?,
        };
        match located.key.zip(located.kind) {
            Some((_, Kind::Master)) => Ok(located),
            key if options.require_master => {
                Err(GetError::NotMaster { name: name.clone(), key: key.map(|(key, _)| key) })
            }
            // Of older versions this says nothing.
            Some((key, kind)) if !options.accept_replaced && options.version.is_none() => {
                match replaces_master(kind, self.last_written(keys, written_as)) {
                    true => Err(GetError::Replaced { name: name.clone(), key }),
                    false => Ok(located),
                }
            }
            _ => Ok(located),
        }
    }

    async fn without_record(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        written_as: &ObjectName,
        options: &ReadOptions,
        tags_refused: Option<CallError>,
    ) -> Result<Located, GetError> {
        let version = options.version.as_deref();
        match self.head_without_key(name, version).await? {
            WithoutKey::Absent => return Err(GetError::NotFound(name.clone())),
            WithoutKey::Readable(head) if options.accept_plain => return Ok(Located::plain(*head)),
            WithoutKey::Readable(_) => return Err(GetError::NotEncrypted(name.clone())),
            // A read shows which it is; keys are tried all the same.
            WithoutKey::KeyNeeded | WithoutKey::Unclear => {}
        }
        for record in self.noted(written_as) {
            let Ok(known) = open(keys, &record, written_as) else { continue };
            let (Some(headers), Some(key)) = (&known.headers, known.key) else { continue };
            let Some(key) = keys.keys().iter().find(|own| own.fingerprint() == key) else {
                continue;
            };
            if let Some(found) = self.fits(name, version, key, Arc::clone(headers)).await? {
                return Ok(Located { head: found.head, noted: Some(record), ..known });
            }
        }
        for key in keys.direct_keys() {
            let Key::Direct(customer_key) = key else { continue };
            let headers = Arc::new(TargetKeyHeaders::of(customer_key));
            if let Some(located) = self.fits(name, version, key, headers).await? {
                return Ok(located);
            }
        }
        Err(match tags_refused {
            // A server that has no tags has no records that could not be read.
            Some(refused) if refused.status() != Some(501) => refused.into(),
            _ => GetError::NoKeyFits(name.clone()),
        })
    }

    /// HEAD with one candidate; `None` if the object is under another key.
    async fn fits(
        &self,
        name: &ObjectName,
        version: Option<&str>,
        key: &Key,
        headers: Arc<TargetKeyHeaders>,
    ) -> Result<Option<Located>, GetError> {
        match self.head(name, version, &headers).await {
            Ok(head) => {
                let _ = proved(name, &headers, &head)?;
                Ok(Some(Located {
                    state: ObjectState::Foreign,
                    key: Some(key.fingerprint()),
                    kind: Some(key.kind()),
                    headers: Some(headers),
                    content_key: Some(Arc::new(key.content_key())),
                    content: None,
                    head: Some(head),
                    noted: None,
                }))
            }
            Err(error) => match self.is_of_other_key(name, version, &error).await? {
                true => Ok(None),
                false => Err(error.into()),
            },
        }
    }
}

impl Located {
    /// The headers that open the object; `None` for a plain one.
    pub fn key_headers(&self) -> Option<&TargetKeyHeaders> {
        self.headers.as_deref()
    }

    /// The evidence of the record; `None` where there is none.
    pub fn evidence(&self) -> Option<Evidence> {
        let (known, kind) = self.content.zip(self.kind)?;
        let source = if self.noted.is_some() { RecordSource::Ledger } else { RecordSource::Tag };
        Some(Evidence { provenance: known.provenance, kind, source })
    }

    fn plain(head: Head) -> Self {
        Self {
            state: ObjectState::Plain,
            key: None,
            kind: None,
            headers: None,
            content_key: None,
            content: None,
            head: Some(head),
            noted: None,
        }
    }
}

pub(crate) fn proved(
    name: &ObjectName,
    headers: &TargetKeyHeaders,
    head: &Head,
) -> Result<EchoVerified, GetError> {
    verify_echo(headers.key_md5(), &head.echo)
        .map_err(|error| GetError::NotProved { name: name.clone(), error })
}

/// The record among an object's tags. Two of them are as bad as a damaged one.
pub(crate) fn record_in(
    tags: &[(String, String)],
) -> Option<Result<Record, s3_ssec_core::record::RecordError>> {
    let mut records = tags.iter().filter(|(key, _)| key == TAG_KEY).map(|(_, value)| value);
    let record = Record::parse(records.next()?);
    Some(match records.next() {
        None => record,
        Some(_) => Err(s3_ssec_core::record::RecordError::Malformed),
    })
}

fn open(keys: &Keyring, record: &Record, name: &ObjectName) -> Result<Located, GetError> {
    let (key, opened) = keys.open(record, name)?;
    nonce::seen(name, opened.nonce);
    let (state, content) = match opened.content {
        Content::Pending => (ObjectState::Pending, None),
        Content::Known(known) => (ObjectState::Described, Some(known)),
    };
    Ok(Located {
        state,
        key: Some(key.fingerprint()),
        kind: Some(key.kind()),
        headers: Some(Arc::new(TargetKeyHeaders::of(&opened.customer_key))),
        content_key: Some(Arc::new(key.content_key())),
        content,
        head: None,
        noted: None,
    })
}
