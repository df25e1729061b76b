//! Which gateway may see which key: a key belongs to the place where it was first used, as with the
//! known hosts of ssh. A strange endpoint cannot ask for a key.
//!
//! Commands get their keys through [`Waiting`], which gives none away before it was asked about
//! the place. Only keys that a gateway may see come out.

use super::need::Need;
use super::place::Place;
use crate::memory::Known;
use crate::report::{Exit, Failure};
use s3_ssec::core::endpoint::Endpoint;
use s3_ssec::core::key::{Fingerprint, Key};
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::core::keyring::{Keyring, KeyringError};
use s3_ssec::core::names::S3Address;
use std::path::{Path, PathBuf};

/// Keys that wait for somebody to say where they are to be used.
pub(crate) struct Waiting {
    keys: Keyring,
    /// The file of the key that writes, where there is one.
    file: Option<PathBuf>,
    /// A rule of the config file refuses what is not under a master key.
    require_master: bool,
}

/// Keys that may be used at a gateway.
pub(crate) struct Admitted {
    pub(crate) keys: Keyring,
    /// Those that are used for the first time.
    pub(crate) new: Vec<Fingerprint>,
    /// Those that belong elsewhere.
    pub(crate) left_out: Vec<Fingerprint>,
    pub(crate) file: Option<PathBuf>,
    /// A rule of the config file refuses what is not under a master key.
    pub(crate) require_master: bool,
}

impl Waiting {
    pub(crate) fn new(keys: Keyring, file: Option<PathBuf>) -> Self {
        Self { keys, file, require_master: false }
    }

    pub(crate) fn requiring_master(self, require_master: bool) -> Self {
        Self { require_master, ..self }
    }

    /// Keys that came out of a backup, and stand in no file.
    pub(crate) fn of_backup(backup: KeyFile) -> Result<Self, KeyringError> {
        Ok(Self::new(backup.into_keyring()?, None))
    }

    /// Keys of a key file.
    pub(crate) fn of_file(keys: KeyFile, path: &Path) -> Result<Self, KeyringError> {
        Ok(Self::new(keys.into_keyring()?, Some(path.to_owned())))
    }

    pub(crate) fn is_one_key(&self) -> bool {
        self.keys.keys().len() == 1
    }

    /// All of them, because the person said so, or because no gateway is there to see them.
    pub(crate) fn anywhere(self) -> Admitted {
        let Self { keys, file, require_master } = self;
        Admitted { keys, new: Vec::new(), left_out: Vec::new(), file, require_master }
    }

    /// Those that belong to the gateway and the places there. The key that writes has to.
    pub(crate) fn admit(
        self,
        known: &Known,
        endpoint: &Endpoint,
        need: &Need,
    ) -> Result<Admitted, Failure> {
        let Some(first) = need.places().next() else { return Ok(self.anywhere()) };
        let Self { keys, file, require_master } = self;
        let scopes = Scopes { known, endpoint: endpoint.canonical(), keys: keys.keys() };
        if let Some(place) = &need.writes
            && !scopes.fits(keys.writer(), place)
        {
            return Err(scopes.stranger(keys.writer(), place));
        }
        let fits = |key: &Key| need.places().any(|place| scopes.fits(key, place));
        let (inside, outside): (Vec<_>, Vec<_>) = keys.keys().iter().partition(|key| fits(key));
        let names = |keys: Vec<&Key>| keys.into_iter().map(Key::fingerprint).collect::<Vec<_>>();
        let (inside, left_out) = (names(inside), names(outside));
        let refusal = scopes.stranger(keys.writer(), first);
        let keys = keys.only(|key| inside.contains(&key.fingerprint())).ok_or(refusal)?;
        let is_new = |key: &Fingerprint| known.places(*key).is_empty();
        let new = inside.into_iter().filter(is_new).collect();
        Ok(Admitted { keys, new, left_out, file, require_master })
    }
}

/// What is known of the keys of one file, at one endpoint.
struct Scopes<'a> {
    known: &'a Known,
    endpoint: String,
    keys: &'a [Key],
}

impl Scopes<'_> {
    /// A key that was never used belongs where the others of its file do, and anywhere if none of
    /// them was.
    fn fits(&self, key: &Key, place: &S3Address) -> bool {
        match self.places(key).is_empty() {
            false => self.covers(key, place),
            true => self.used().is_none() || self.keys.iter().any(|key| self.covers(key, place)),
        }
    }

    fn covers(&self, key: &Key, place: &S3Address) -> bool {
        self.places(key).iter().any(|own| own.covers(&self.endpoint, place))
    }

    fn places(&self, key: &Key) -> &[Place] {
        self.known.places(key.fingerprint())
    }

    /// A key of the file that was used before.
    fn used(&self) -> Option<&Key> {
        self.keys.iter().find(|key| !self.places(key).is_empty())
    }

    fn stranger(&self, key: &Key, place: &S3Address) -> Failure {
        let fingerprint = key.fingerprint();
        let endpoint = &self.endpoint;
        let (subject, places) = match (self.places(key), self.used()) {
            ([], Some(other)) => (
                format!("the key {fingerprint} is new, the other keys of its file belong"),
                self.places(other),
            ),
            (places, _) => (format!("the key {fingerprint} belongs"), places),
        };
        // At the right gateway it is the bucket that is not theirs.
        let here = places.iter().any(|own| own.is_at(endpoint));
        let (asked, add) = match here {
            false => (endpoint.clone(), endpoint.clone()),
            true => (format!("{endpoint} {place}"), format!("{endpoint} s3://{}/", place.bucket)),
        };
        let list = places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ");
        let what = format!("{subject} to {list}, and nothing of it is sent to {asked}");
        let todo = format!(
            "If you trust that place: s3-ssec key scope add {fingerprint} {add}; or --any-endpoint, \
             for once."
        );
        Failure::new(Exit::Unsafe, what, todo)
    }
}

/// For tests of what is done with keys.
#[cfg(test)]
pub(crate) fn ring_of(keys: Vec<Key>) -> Keyring {
    Keyring::new(keys).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec::core::endpoint::PlainHttp;
    use s3_ssec::core::key::Kind;
    use s3_ssec::core::names::ObjectName;

    const HERE: &str = "https://here.example.org";

    fn key(byte: u8) -> Key {
        Key::from_bytes(Kind::Direct, &[byte; 32]).unwrap()
    }

    /// Keys 1 to 3 in one file, with the places that some of them belong to.
    struct World(Known);

    impl World {
        fn new(places: &[(u8, &str)]) -> Self {
            let mut known = Known::default();
            for (byte, place) in places {
                let notes = known.notes_mut(key(*byte).fingerprint());
                notes.places.push(place.parse().unwrap());
            }
            Self(known)
        }

        /// The keys admitted, the new ones among them, or what is said.
        fn admit(&self, need: &Need) -> Result<(Vec<u8>, Vec<u8>), String> {
            let keys = ring_of(vec![key(1), key(2), key(3)]);
            let endpoint = Endpoint::parse(HERE, PlainHttp::Refuse).unwrap();
            let admitted = Waiting::new(keys, None).admit(&self.0, &endpoint, need);
            let admitted = admitted.map_err(|failure| {
                assert_eq!(failure.exit, Exit::Unsafe);
                failure.to_string()
            })?;
            let byte = |wanted: &Fingerprint| {
                (1..4).find(|byte| key(*byte).fingerprint() == *wanted).unwrap()
            };
            let kept: Vec<_> =
                admitted.keys.keys().iter().map(|k| byte(&k.fingerprint())).collect();
            assert_eq!(kept.len() + admitted.left_out.len(), 3);
            Ok((kept, admitted.new.iter().map(byte).collect()))
        }
    }

    fn object(text: &str) -> ObjectName {
        S3Address::parse(text).unwrap().object().unwrap()
    }

    fn read(text: &str) -> Need {
        Need::to_read(&object(text))
    }

    fn write(text: &str) -> Need {
        Need::to_write(&object(text))
    }

    #[test]
    fn keys_that_were_never_used_may_go_anywhere_together() {
        let world = World::new(&[]);
        assert_eq!(world.admit(&read("s3://abc/x")).unwrap(), (vec![1, 2, 3], vec![1, 2, 3]));
        assert_eq!(world.admit(&write("s3://abc/x")).unwrap().1, [1, 2, 3]);
        assert_eq!(world.admit(&Need::nowhere()).unwrap(), (vec![1, 2, 3], vec![]));
    }

    #[test]
    fn another_endpoint_gets_nothing() {
        let places = [(1, "https://other.example.org"), (2, "https://here.example.org:8443")];
        for need in [read("s3://abc/x"), write("s3://abc/x")] {
            let said = World::new(&places).admit(&need).unwrap_err();
            assert!(said.contains("belongs to https://other.example.org, and"), "{said}");
            let add = format!("key scope add {} {HERE};", key(1).fingerprint());
            assert!(said.contains(&add), "{said}");
        }
        // A new key in front of an old one belongs where the old one does.
        let said = World::new(&places[1..]).admit(&write("s3://abc/x")).unwrap_err();
        assert!(said.contains("is new, the other keys of its file belong to https"), "{said}");
    }

    #[test]
    fn keys_of_other_places_are_left_out() {
        let world = World::new(&[(1, "https://other.example.org"), (2, HERE)]);
        assert_eq!(world.admit(&read("s3://abc/x")).unwrap(), (vec![2, 3], vec![3]));
        assert!(world.admit(&write("s3://abc/x")).is_err(), "the writer is not of this place");
        let world = World::new(&[(1, HERE), (2, "https://other.example.org")]);
        assert_eq!(world.admit(&write("s3://abc/x")).unwrap(), (vec![1, 3], vec![3]));
    }

    #[test]
    fn a_scope_may_be_a_bucket_or_a_prefix() {
        let place = format!("{HERE} s3://abc/a/");
        let world = World::new(&[(1, &place), (2, &place), (3, &place)]);
        assert_eq!(world.admit(&write("s3://abc/a/x")).unwrap().0, [1, 2, 3]);
        for outside in ["s3://abc/b/x", "s3://abc/a", "s3://abd/a/x"] {
            let said = world.admit(&read(outside)).unwrap_err();
            assert!(said.contains(&format!("sent to {HERE} {outside}")), "{said}");
        }
        let tree = Need::to_write(&S3Address::parse("s3://abc/").unwrap());
        assert!(world.admit(&tree).is_err(), "part of a tree is not all of it");
        let copy = Need::to_copy(&object("s3://abd/x"), &object("s3://abc/a/x"));
        assert_eq!(world.admit(&copy).unwrap().0, [1, 2, 3]);
        let copy = Need::to_copy(&object("s3://abc/a/x"), &object("s3://abd/x"));
        assert!(world.admit(&copy).is_err());
    }

    #[test]
    fn places_have_one_spelling_and_an_order() {
        let place = |text: &str| text.parse::<Place>().unwrap();
        assert_eq!(place("https://X.org:443/").to_string(), "https://x.org");
        assert_eq!(place("https://x.org s3://abc/a").to_string(), "https://x.org s3://abc/a");
        for bad in ["", "x.org", "http://x.org", "https://x.org s3://a", "https://x.org  s3://abc"]
        {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
        assert!(place("https://x.org").includes(&place("https://x.org s3://abc/")));
        assert!(!place("https://x.org s3://abc/").includes(&place("https://x.org")));
        assert!(!place("https://x.org s3://abc/a/").includes(&place("https://x.org s3://abc/")));
        assert!(!place("https://x.org").includes(&place("https://y.org s3://abc/")));
    }
}
