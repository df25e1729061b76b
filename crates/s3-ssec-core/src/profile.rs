//! What one gateway was seen to do: its capability profile. Data only; probing is somebody else's.
//!
//! Releases differ in what they do with customer keys, and a distribution's build differs from its
//! release. So nothing here follows from a version: every ability was tried, or is not known.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long a profile is believed, in seconds: a gateway is upgraded now and then.
pub const BELIEVED_FOR: u64 = 7 * 86_400;

/// Something that gateways do or do not do. Comments name the releases of RGW on which it was
/// measured: 16.2.15, 18.2.7 and 20.2.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ability {
    /// A PUT with a customer key is encrypted, and proved to be.
    EncryptsPut,
    /// A multipart upload with a customer key is encrypted, and proved to be.
    EncryptsMultipart,
    /// A tag given to CreateMultipartUpload is on the object (20).
    TagsOnCreate,
    /// Complete is refused without the customer key (20).
    CompleteWantsKey,
    /// A copy of a plain object under a customer key is encrypted (20).
    CopyEncrypts,
    /// An object under a customer key is copied under another one (20).
    CopyChangesKey,
    /// Parts are copied from an object under the same key (all).
    CopyKeepsKey,
    /// Policies can tell whether a customer key was sent (20).
    ConditionKey,
    /// `If-None-Match: *` on a PUT keeps what exists (all).
    IfNoneMatchOnPut,
    /// `If-Match` on a PUT replaces only what was named (20).
    IfMatchOnPut,
    /// `If-None-Match: *` on Complete keeps what exists (20).
    IfNoneMatchOnComplete,
    /// Checksums in trailers are taken (18, 20).
    TakesTrailers,
    /// Wrong checksums in trailers are refused (20).
    VerifiesTrailers,
    /// `BlockPublicAcls` refuses public ACLs only, and not every upload (20).
    PublicAccessBlock,
    /// Every rule of a CORS document counts, not only the first for an origin (none).
    AllCorsRules,
    /// Small answers come at once, because the gateway sets `tcp_nodelay` (none by default).
    NoDelay,
}

/// What was seen of one gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its address.
    pub endpoint: String,
    /// The `Server` header of its answers; RGW sends one from release 20 on.
    pub server: Option<String>,
    /// When it was probed, in seconds since 1970.
    pub probed_at: u64,
    abilities: BTreeMap<Ability, bool>,
}

impl Profile {
    /// A profile that knows nothing yet.
    pub fn new(endpoint: &str, probed_at: u64) -> Self {
        let endpoint = endpoint.to_owned();
        Self { endpoint, server: None, probed_at, abilities: BTreeMap::new() }
    }

    /// Notes what was seen.
    pub fn saw(&mut self, ability: Ability, works: bool) {
        self.abilities.insert(ability, works);
    }

    /// Whether it works here; `None` if it was not tried.
    pub fn can(&self, ability: Ability) -> Option<bool> {
        self.abilities.get(&ability).copied()
    }

    /// Everything that was tried.
    pub fn abilities(&self) -> impl Iterator<Item = (Ability, bool)> {
        self.abilities.iter().map(|(ability, works)| (*ability, *works))
    }

    /// True if it still counts at `now`, in seconds since 1970.
    pub fn is_believed(&self, now: u64) -> bool {
        now.checked_sub(self.probed_at).is_some_and(|age| age < BELIEVED_FOR)
    }

    /// The release of RGW that behaves like this, as far as abilities tell.
    pub fn behaves_like(&self) -> Option<&'static str> {
        match (self.can(Ability::CopyChangesKey), self.can(Ability::TakesTrailers)) {
            (Some(true), _) => Some("RGW 20.2.4 or later"),
            (Some(false), Some(true)) if self.can(Ability::ConditionKey) == Some(true) => {
                Some("RGW 20.2.0 or a little later")
            }
            (Some(false), Some(true)) => Some("RGW 18 or 19"),
            (Some(false), Some(false)) => Some("RGW 16 or 17"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_tried_is_not_known() {
        let mut profile = Profile::new("https://gateway", 1000);
        assert_eq!(profile.can(Ability::IfMatchOnPut), None);
        profile.saw(Ability::IfMatchOnPut, false);
        assert_eq!(profile.can(Ability::IfMatchOnPut), Some(false));
        assert_eq!(profile.abilities().collect::<Vec<_>>(), [(Ability::IfMatchOnPut, false)]);
    }

    #[test]
    fn a_profile_ages() {
        let profile = Profile::new("https://gateway", 1000);
        assert!(profile.is_believed(1000) && profile.is_believed(999 + BELIEVED_FOR));
        assert!(!profile.is_believed(1000 + BELIEVED_FOR));
        assert!(!profile.is_believed(999), "probed in the future: a clock was wrong");
    }

    #[test]
    fn it_is_remembered_as_it_is() {
        let mut profile = Profile::new("https://gateway", 1000);
        profile.server = Some("Ceph Object Gateway (tentacle)".to_owned());
        profile.saw(Ability::CopyChangesKey, true);
        let text = serde_json::to_string(&profile).unwrap();
        assert!(text.contains("\"copy_changes_key\":true"), "{text}");
        assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
    }

    #[test]
    fn behaviour_names_a_release() {
        let of = |copy, trailers, condition| {
            let mut profile = Profile::new("", 0);
            profile.saw(Ability::CopyChangesKey, copy);
            profile.saw(Ability::TakesTrailers, trailers);
            profile.saw(Ability::ConditionKey, condition);
            profile.behaves_like()
        };
        assert_eq!(of(false, false, false), Some("RGW 16 or 17"));
        assert_eq!(of(false, true, false), Some("RGW 18 or 19"));
        assert_eq!(of(false, true, true), Some("RGW 20.2.0 or a little later"));
        assert_eq!(of(true, true, true), Some("RGW 20.2.4 or later"));
        assert_eq!(Profile::new("", 0).behaves_like(), None);
    }
}
