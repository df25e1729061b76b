//! The search for the object of a write whose answer was lost, cannot be read, or confirms no key. No IO:
//! the next step out, its answer in.

use super::{Observation, Remains, TrustedVersion, UnderKey, VersionIds, WithoutKey, WriteMarks};

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AftermathStep {
    /// GetBucketVersioning.
    Versioning,
    /// HEAD without a key.
    HeadWithoutKey,
    /// HEAD with the key of the write.
    Head,
    /// GetObjectTagging, of this version if there is one.
    Tags(Option<TrustedVersion>),
    /// DeleteObject, of this version if there is one.
    Remove(Option<TrustedVersion>),
    /// The end.
    End(Leftover),
}

/// The remains of a write at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Nothing was stored, or what was stored has been removed.
    Nothing,
    /// The object, whole and encrypted under the key of the write.
    Arrived,
    /// An object that is not proved to be encrypted may still be there.
    Perhaps,
    /// The gateway did not say.
    Unknown,
}

impl Leftover {
    /// The machine-readable name.
    pub fn code(self) -> &'static str {
        match self {
            Leftover::Nothing => "nothing",
            Leftover::Arrived => "arrived",
            Leftover::Perhaps => "perhaps",
            Leftover::Unknown => "unknown",
        }
    }

    /// A sentence for a person.
    pub fn words(self) -> &'static str {
        match self {
            Leftover::Nothing => "Nothing of it is left at the gateway.",
            Leftover::Arrived => "It had arrived by then, encrypted.",
            Leftover::Perhaps => {
                "An object of that name may be there in plaintext: look, and remove it."
            }
            Leftover::Unknown => "Whether it arrived is unknown: look before you upload it again.",
        }
    }
}

/// Whether version IDs name versions here.
#[derive(Clone, Copy)]
enum Versions {
    NotAsked,
    Kept(VersionIds),
    None,
    Unknown,
}

/// A search under way.
pub struct Aftermath {
    /// The records that the write puts into the tag.
    records: Vec<String>,
    /// Bytes of the content.
    size: u64,
    key_is_unique: bool,
    versions: Versions,
    /// The version ID of the write's own answer.
    answered: Option<String>,
    /// The answer to HEAD.
    head: Option<Head>,
    step: AftermathStep,
}

struct Head {
    /// The ETag, of an object that can be read without a key.
    readable: Option<String>,
    under_key: UnderKey,
    size: u64,
    version_id: Option<String>,
}

impl Aftermath {
    /// Begins after a write of `size` bytes. `answered` is the version ID that its answer named;
    /// `key_is_unique` says that its key opens no other object.
    pub fn new(
        records: Vec<String>,
        size: u64,
        key_is_unique: bool,
        answered: Option<String>,
    ) -> Self {
        let answered = answered.filter(|id| names_version(id));
        let step = match answered {
            Some(_) => AftermathStep::Versioning,
            None => AftermathStep::HeadWithoutKey,
        };
        let (versions, head) = (Versions::NotAsked, None);
        Self { records, size, key_is_unique, versions, answered, head, step }
    }

    /// The next step.
    pub fn step(&self) -> &AftermathStep {
        &self.step
    }

    /// Takes the status of GetBucketVersioning; `None` if the bucket never kept versions.
    pub fn versioning(&mut self, status: Option<&str>) {
        self.versions = VersionIds::of_status(status).map_or(Versions::None, Versions::Kept);
        self.after_versioning();
    }

    fn after_versioning(&mut self) {
        self.step = match (self.head.is_some(), self.trusted(self.answered.as_deref())) {
            (true, _) => AftermathStep::Tags(self.found_version()),
            (false, Some(version)) => AftermathStep::Remove(Some(version)),
            (false, None) => AftermathStep::HeadWithoutKey,
        };
    }

    fn trusted(&self, id: Option<&str>) -> Option<TrustedVersion> {
        match self.versions {
            Versions::Kept(ids) => ids.version(id?),
            _ => None,
        }
    }

    fn found_version(&self) -> Option<TrustedVersion> {
        self.trusted(self.head.as_ref()?.version_id.as_deref())
    }

    /// Takes the answer to HEAD without a key: status, and of a success size, ETag and version ID.
    pub fn without_key(&mut self, status: u16, size: u64, etag: &str, version_id: Option<&str>) {
        match status {
            200..=299 => {
                let readable = Some(etag.to_owned());
                self.found(readable, UnderKey::Refused, size, version_id);
            }
            400 => self.step = AftermathStep::Head,
            404 => self.step = AftermathStep::End(Leftover::Nothing),
            _ => self.step = AftermathStep::End(Leftover::Unknown),
        }
    }

    /// Takes the answer to HEAD with the key; `is_confirmed` says that it echoes the key.
    pub fn under_key(
        &mut self,
        status: u16,
        is_confirmed: bool,
        size: u64,
        version_id: Option<&str>,
    ) {
        match status {
            200..=299 if is_confirmed => self.found(None, UnderKey::Confirmed, size, version_id),
            200..=299 => self.found(None, UnderKey::Unconfirmed, size, version_id),
            // Another key, or removed in between: not ours.
            400..=499 => self.step = AftermathStep::End(Leftover::Nothing),
            _ => self.step = AftermathStep::End(Leftover::Unknown),
        }
    }

    fn found(
        &mut self,
        readable: Option<String>,
        under_key: UnderKey,
        size: u64,
        version_id: Option<&str>,
    ) {
        let version_id = version_id.filter(|id| names_version(id)).map(str::to_owned);
        let asks = version_id.is_some() && matches!(self.versions, Versions::NotAsked);
        self.head = Some(Head { readable, under_key, size, version_id });
        self.step = match asks {
            true => AftermathStep::Versioning,
            false => AftermathStep::Tags(self.found_version()),
        };
    }

    /// Takes the tags; none if they cannot be read.
    pub fn tags(&mut self, tags: &[(String, String)]) {
        let Some(head) = &self.head else { return };
        // The MD5 of the content is not known: an object of another size is not this write's, and one
        // of the same size may be.
        let is_as_large = head.size == self.size;
        let plain_etag = match &head.readable {
            Some(etag) if is_as_large => etag,
            _ => "",
        };
        let marks =
            WriteMarks { records: &self.records, plain_etag, key_is_unique: self.key_is_unique };
        let without_key = match &head.readable {
            Some(etag) => WithoutKey::Readable(etag),
            None => WithoutKey::KeyNeeded,
        };
        let remains = Observation { without_key, under_key: head.under_key, tags }.judge(&marks);
        let is_ambiguous = head.version_id.is_some() && matches!(self.versions, Versions::Unknown);
        self.step = match remains {
            Remains::NotOurs => AftermathStep::End(Leftover::Nothing),
            // Without its version a deletion might hide the plaintext and keep it.
            Remains::OursInPlaintext if is_ambiguous => AftermathStep::End(Leftover::Perhaps),
            Remains::OursInPlaintext => AftermathStep::Remove(self.found_version()),
            Remains::OursEncrypted if is_as_large => AftermathStep::End(Leftover::Arrived),
            Remains::OursEncrypted => AftermathStep::End(Leftover::Unknown),
            Remains::PerhapsOurs => AftermathStep::End(Leftover::Perhaps),
        };
    }

    /// The object, or the version, was removed.
    pub fn removed(&mut self) {
        self.step = AftermathStep::End(Leftover::Nothing);
    }

    /// The step failed, or its answer cannot be read.
    pub fn failed(&mut self) {
        self.step = match self.step {
            AftermathStep::Versioning => {
                self.versions = Versions::Unknown;
                return self.after_versioning();
            }
            AftermathStep::Tags(_) | AftermathStep::Remove(_) => {
                AftermathStep::End(Leftover::Perhaps)
            }
            _ => AftermathStep::End(Leftover::Unknown),
        };
    }
}

/// `null` names what was stored before versions were kept.
fn names_version(id: &str) -> bool {
    !matches!(id, "" | "null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TAG_KEY;

    const OURS: &str = "v1.ours";

    fn aftermath(answered: Option<&str>) -> Aftermath {
        Aftermath::new(vec![OURS.to_owned()], 5, true, answered.map(str::to_owned))
    }

    fn tag(record: &str) -> [(String, String); 1] {
        [(TAG_KEY.to_owned(), record.to_owned())]
    }

    fn end(leftover: Leftover) -> AftermathStep {
        AftermathStep::End(leftover)
    }

    fn trusted(id: &str) -> Option<TrustedVersion> {
        VersionIds::of_status(Some("Enabled"))?.version(id)
    }

    #[test]
    fn a_version_id_is_believed_where_versions_are_kept() {
        for status in ["Enabled", "Suspended"] {
            let mut search = aftermath(Some("v7"));
            assert_eq!(*search.step(), AftermathStep::Versioning);
            search.versioning(Some(status));
            assert_eq!(*search.step(), AftermathStep::Remove(trusted("v7")));
            search.removed();
            assert_eq!(*search.step(), end(Leftover::Nothing));
        }
        // A server without versions, and one that does not say: by name, if the record is ours.
        let mut search = aftermath(Some("v7"));
        search.versioning(None);
        assert_eq!(*search.step(), AftermathStep::HeadWithoutKey);
        search.without_key(200, 5, "e", Some("v8"));
        search.tags(&tag(OURS));
        assert_eq!(*search.step(), AftermathStep::Remove(None));
        search.failed();
        assert_eq!(*search.step(), end(Leftover::Perhaps));
        let mut search = aftermath(Some("v7"));
        search.failed();
        search.without_key(200, 5, "e", Some("v7"));
        search.tags(&tag(OURS));
        assert_eq!(*search.step(), end(Leftover::Perhaps), "a deletion would only hide it");
        assert_eq!(*aftermath(Some("null")).step(), AftermathStep::HeadWithoutKey);
    }

    #[test]
    fn only_the_record_shows_whose_a_plaintext_is() {
        let readable = |size, tags: &[(String, String)]| {
            let mut search = aftermath(None);
            search.without_key(200, size, "e", None);
            assert_eq!(*search.step(), AftermathStep::Tags(None));
            search.tags(tags);
            search.step().clone()
        };
        assert_eq!(readable(5, &tag(OURS)), AftermathStep::Remove(None));
        // Another client's file of the same size, perhaps the same one.
        assert_eq!(readable(5, &tag("v1.theirs")), end(Leftover::Perhaps));
        assert_eq!(readable(5, &[]), end(Leftover::Perhaps));
        assert_eq!(readable(6, &[]), end(Leftover::Nothing));
        // The version that is removed is the one that was looked at.
        let mut search = aftermath(None);
        search.without_key(200, 5, "e", Some("v9"));
        assert_eq!(*search.step(), AftermathStep::Versioning);
        search.versioning(Some("Enabled"));
        assert_eq!(*search.step(), AftermathStep::Tags(trusted("v9")));
        search.tags(&tag(OURS));
        assert_eq!(*search.step(), AftermathStep::Remove(trusted("v9")));
    }

    #[test]
    fn what_arrived_encrypted_is_said_so() {
        let keyed = |status, is_confirmed, size, unique, tags: &[(String, String)]| {
            let mut search = Aftermath::new(vec![OURS.to_owned()], 5, unique, None);
            search.without_key(400, 0, "", None);
            assert_eq!(*search.step(), AftermathStep::Head);
            search.under_key(status, is_confirmed, size, None);
            if let AftermathStep::Tags(_) = search.step() {
                search.tags(tags);
            }
            search.step().clone()
        };
        assert_eq!(keyed(200, true, 5, true, &[]), end(Leftover::Arrived));
        assert_eq!(keyed(200, true, 4, true, &[]), end(Leftover::Unknown));
        assert_eq!(keyed(200, true, 5, false, &tag(OURS)), end(Leftover::Arrived));
        assert_eq!(keyed(200, true, 5, false, &tag("v1.theirs")), end(Leftover::Nothing));
        assert_eq!(keyed(200, false, 5, true, &tag(OURS)), end(Leftover::Perhaps));
        assert_eq!(keyed(400, false, 0, true, &[]), end(Leftover::Nothing));
        assert_eq!(keyed(503, false, 0, true, &[]), end(Leftover::Unknown));
    }

    #[test]
    fn without_an_answer_nothing_is_known() {
        let mut search = aftermath(None);
        search.failed();
        assert_eq!(*search.step(), end(Leftover::Unknown));
        let mut search = aftermath(None);
        search.without_key(404, 0, "", None);
        assert_eq!(*search.step(), end(Leftover::Nothing));
        let mut search = aftermath(None);
        search.without_key(403, 0, "", None);
        assert_eq!(*search.step(), end(Leftover::Unknown));
        let codes = [Leftover::Nothing, Leftover::Arrived, Leftover::Perhaps, Leftover::Unknown]
            .map(|leftover| (leftover.code(), leftover.words()));
        assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
