//! Names, parsed once at the edge: bucket, object key, endpoint, `s3://` address.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// Start of the name of every scratch object and of every prefix on which something is tried.
pub const TRIAL_PREFIX: &str = ".s3-ssec-trial-";

/// A bucket name, an object key or an address is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not a bucket name.
    #[error(
        "{0:?} is not a bucket name: 3 to 255 letters, digits, '.', '-' or '_', \
         the first and the last a letter or digit"
    )]
    Bucket(String),
    /// Empty, or longer than S3 allows.
    #[error("an object key has 1 to 1024 bytes of UTF-8, this one has {0}")]
    ObjectKeyLength(usize),
    /// Not of the form `s3://bucket/key`.
    #[error("{0:?} is not an address of the form s3://bucket/key")]
    Address(String),
}

/// The bare name of a bucket.
///
/// Wider than AWS's rules (63 characters, no upper case, no underscore), because RGW keeps older
/// buckets and `rgw_relaxed_s3_bucket_names`. The gateway judges new ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

impl BucketName {
    /// Accepts 3 to 255 letters, digits, `.`, `-` or `_` between two letters or digits.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let allowed = (3..=255).contains(&name.len())
            && name.chars().all(inner)
            && ends(name.chars().next())
            && ends(name.chars().next_back())
            && !name.as_bytes().windows(2).any(|two| two == b"..");
        if allowed { Ok(Self(name.to_owned())) } else { Err(NameError::Bucket(name.to_owned())) }
    }

    /// The name as it goes into paths and policies.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an object in its bucket: 1 to 1024 bytes of UTF-8, taken exactly as given.
///
/// Nothing is normalised: `a//b`, `/a`, `..` and two Unicode spellings of one letter are different
/// objects, and different keys are derived for them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Accepts any text of 1 to 1024 bytes.
    pub fn parse(key: &str) -> Result<Self, NameError> {
        match key.len() {
            1..=1024 => Ok(Self(key.to_owned())),
            length => Err(NameError::ObjectKeyLength(length)),
        }
    }

    /// The key, unescaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Everything up to and with the last `/`; empty if there is none.
    pub fn parent(&self) -> &str {
        self.0.rfind('/').map_or("", |slash| &self.0[..=slash])
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bucket and object key: the name a customer key is derived for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The bucket.
    pub bucket: BucketName,
    /// The object's key in it.
    pub key: ObjectKey,
}

impl ObjectName {
    /// Joins the two.
    pub fn new(bucket: BucketName, key: ObjectKey) -> Self {
        Self { bucket, key }
    }

    /// A name for a scratch object beside this one, that no other client uses: `random` is in it. In the bucket's
    /// root where the prefix is too long for one more name.
    pub fn scratch_beside(&self, random: [u8; 8]) -> Self {
        let last = format!("{TRIAL_PREFIX}{}", base16ct::lower::encode_string(&random));
        let beside = ObjectKey::parse(&format!("{}{last}", self.key.parent()));
        Self { bucket: self.bucket.clone(), key: beside.unwrap_or(ObjectKey(last)) }
    }

    /// The value of `x-amz-copy-source`: `bucket/key`, percent-encoded but for its slashes, and a
    /// version where one is meant (AWS "CopyObject").
    pub fn as_copy_source(&self, version: Option<&str>) -> String {
        use crate::percent::{Slash, encode};
        let path = format!("{}/{}", self.bucket, encode(self.key.as_str(), Slash::Kept));
        match version {
            None => path,
            Some(version) => format!("{path}?versionId={}", encode(version, Slash::Encoded)),
        }
    }

    /// `N` of `FORMAT.md`: SHA-256 over both names, each behind its length.
    ///
    /// Hashed first because some HKDF implementations take at most 1,024 bytes of context.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"s3-ssec/v1/name\0");
        for part in [self.bucket.as_str(), self.key.as_str()] {
            // Both types bound their length far below 65,536.
            hasher.update((part.len() as u16).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// What a person types: a bucket, and perhaps a key or prefix in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Address {
    /// The bucket.
    pub bucket: BucketName,
    /// What follows the slash after the bucket; may be empty.
    pub path: String,
}

impl S3Address {
    /// Parses `s3://bucket`, `s3://bucket/` or `s3://bucket/key`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let rest = text.strip_prefix("s3://").ok_or_else(|| NameError::Address(text.to_owned()))?;
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self { bucket: BucketName::parse(bucket)?, path: path.to_owned() })
    }

    /// The object named; an error if there is only a bucket.
    pub fn object(&self) -> Result<ObjectName, NameError> {
        Ok(ObjectName::new(self.bucket.clone(), ObjectKey::parse(&self.path)?))
    }

    /// True for `s3://bucket/` and for paths that end in a slash: places, not objects.
    pub fn is_prefix(&self) -> bool {
        self.path.is_empty() || self.path.ends_with('/')
    }

    /// True for keys at this place: below it, or the object itself. `s3://bucket/a` holds `a` and
    /// `a/b`, and not `ab`.
    pub fn holds(&self, key: &str) -> bool {
        match key.strip_prefix(&self.path) {
            Some(rest) => self.is_prefix() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

impl fmt::Display for S3Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.path)
    }
}

/// A text as it is written on a command line: in quotes if a shell would read it otherwise.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/.-_~:".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_object_is_beside_the_object_where_its_name_fits() {
        let beside = |key: &str| {
            let name = ObjectName::new(
                BucketName::parse("bucket").unwrap(),
                ObjectKey::parse(key).unwrap(),
            );
            name.scratch_beside([0xab; 8]).to_string()
        };
        let last = ".s3-ssec-trial-abababababababab";
        assert_eq!(beside("a/b/c"), format!("s3://bucket/a/b/{last}"));
        assert_eq!(beside("c"), format!("s3://bucket/{last}"));
        assert_eq!(beside(&format!("{}/c", "a".repeat(1000))), format!("s3://bucket/{last}"));
    }

    #[test]
    fn copy_sources_are_encoded_once() {
        let bucket = BucketName::parse("bucket").unwrap();
        let name = ObjectName::new(bucket, ObjectKey::parse("größe/a b+c%.bin").unwrap());
        assert_eq!(name.as_copy_source(None), "bucket/gr%C3%B6%C3%9Fe/a%20b%2Bc%25.bin");
        let version = name.as_copy_source(Some("a/b"));
        assert!(version.ends_with("c%25.bin?versionId=a%2Fb"), "{version}");
    }

    #[test]
    fn a_place_holds_what_is_below_it() {
        let holds = |place: &str, key: &str| S3Address::parse(place).unwrap().holds(key);
        for (place, key) in [("s3://abc", "x"), ("s3://abc/", "a/b"), ("s3://abc/a/", "a/b")] {
            assert!(holds(place, key), "{place} {key}");
        }
        for key in ["a", "a/", "a/b/c"] {
            assert!(holds("s3://abc/a", key), "{key}");
        }
        for (place, key) in [("s3://abc/a", "ab"), ("s3://abc/a/", "a"), ("s3://abc/b", "a/b")] {
            assert!(!holds(place, key), "{place} {key}");
        }
    }

    #[test]
    fn bucket_names() {
        for good in ["abc", "research-data", "a.b-c", "Old_Bucket1", &"a".repeat(255)] {
            assert_eq!(BucketName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "ab", "-abc", "abc-", "a/b", "a b", "a..b", "größe", "tenant:b"] {
            assert_eq!(BucketName::parse(bad), Err(NameError::Bucket(bad.to_owned())), "{bad}");
        }
        assert!(BucketName::parse(&"a".repeat(256)).is_err());
    }

    #[test]
    fn object_keys_are_taken_exactly() {
        for good in ["a", "/a", "a//b", "../x", "Größe/a b+c%.bin", &"x".repeat(1024)] {
            assert_eq!(ObjectKey::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(ObjectKey::parse(""), Err(NameError::ObjectKeyLength(0)));
        assert_eq!(ObjectKey::parse(&"ü".repeat(513)), Err(NameError::ObjectKeyLength(1026)));
        assert_eq!(ObjectKey::parse("a/b/c").unwrap().parent(), "a/b/");
        assert_eq!(ObjectKey::parse("abc").unwrap().parent(), "");
    }

    #[test]
    fn a_shell_reads_a_quoted_text_as_it_is() {
        for plain in ["~/a-b.key", "s3://bucket/a/b_1.csv"] {
            assert_eq!(quoted(plain), plain);
        }
        assert_eq!(quoted("my key's"), r"'my key'\''s'");
        for text in ["", "s3://bucket/a b", "a;b", "a$(b)", "größe", "a\nb", "a*"] {
            assert_eq!(quoted(text), format!("'{text}'"));
        }
    }

    #[test]
    fn addresses() {
        let address = S3Address::parse("s3://bucket/a//b c").unwrap();
        assert_eq!(address.object().unwrap().to_string(), "s3://bucket/a//b c");
        assert!(S3Address::parse("s3://bucket").unwrap().object().is_err());
        assert!(S3Address::parse("s3://bucket/p/").unwrap().is_prefix());
        for bad in ["bucket/key", "s3:/bucket/key", "S3://bucket/key", "s3:///key", "https://b/k"] {
            assert!(S3Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn boundaries_between_bucket_and_key_count() {
        let name = |bucket, key| {
            ObjectName::new(BucketName::parse(bucket).unwrap(), ObjectKey::parse(key).unwrap())
        };
        assert_ne!(name("abc", "def").digest(), name("abcd", "ef").digest());
    }
}
