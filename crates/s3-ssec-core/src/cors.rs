//! CORS configurations for pages that use customer keys.
//!
//! A page must be let in with all headers of a signed request, and it must be shown the echo of its
//! key, or it cannot prove encryption. Measured on RGW 16.2.15, 18.2.7 and 20.2.4: of several rules
//! that fit an origin **only the first is consulted**, so an origin gets one rule with all methods,
//! and it stands before rules with wildcards.
//!
//! ```
//! use s3_ssec_core::cors::{AnyOrigin, CorsConfiguration, Origin};
//!
//! let page = Origin::parse("https://page.example.org", AnyOrigin::Refuse)?;
//! let mut rules = CorsConfiguration::default(); // or `parse` of what stands there
//! rules.apply(&page)?;
//! assert!(rules.admits(&page));
//! assert!(rules.to_xml().contains("<AllowedOrigin>https://page.example.org</AllowedOrigin>"));
//! assert!(Origin::parse("*", AnyOrigin::Refuse).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;
mod origin;

pub use origin::{AnyOrigin, Origin, OriginError};

use crate::headers::{ALGORITHM, KEY_MD5};

/// Methods of a page that reads, writes in parts, and checks.
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "HEAD", "DELETE"];
/// Response headers that a page's code may read. Without the echo of algorithm and key MD5 no proof,
/// without the ETag no multipart upload.
const EXPOSED: [&str; 11] = [
    "ETag",
    ALGORITHM,
    KEY_MD5,
    "x-amz-version-id",
    "x-amz-request-id",
    "x-amz-tagging-count",
    "x-amz-delete-marker",
    "Content-Length",
    "Content-Range",
    "Accept-Ranges",
    "Last-Modified",
];
/// Seconds a browser may remember a preflight. Browsers cap it themselves (Chromium at 7,200).
const MAX_AGE: u64 = 3000;
/// Most rules of one bucket (AWS, RGW).
pub const RULES_MAX: usize = 100;

/// A configuration cannot be read or extended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorsError {
    /// Not the XML of a CORS configuration, or with elements that would be lost in writing it back.
    #[error("this is not a CORS configuration that this program can keep intact")]
    Malformed,
    /// One more rule than S3 takes.
    #[error("the bucket has {RULES_MAX} CORS rules already, which is all that S3 takes")]
    TooManyRules,
}

/// One rule. Fields as in S3's `CORSRule`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsRule {
    /// A name for people, at most 255 characters.
    pub id: Option<String>,
    /// Origins, with at most one `*` in each.
    pub origins: Vec<String>,
    /// Upper-case HTTP methods.
    pub methods: Vec<String>,
    /// Request headers, with at most one `*` in each.
    pub headers: Vec<String>,
    /// Response headers the page's code may read.
    pub exposed: Vec<String>,
    /// Seconds a browser may remember the preflight.
    pub max_age: Option<u64>,
}

impl CorsRule {
    /// The rule that lets pages of `origin` work with customer keys.
    pub fn for_origin(origin: &Origin) -> Self {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Self {
            id: None,
            origins: vec![origin.as_str().to_owned()],
            methods: texts(&METHODS),
            headers: vec!["*".to_owned()],
            exposed: texts(&EXPOSED),
            max_age: Some(MAX_AGE),
        }
    }

    /// True if the two say the same. RGW hands lists back in another order than it was given.
    fn says_the_same(&self, other: &CorsRule) -> bool {
        let sorted = |rule: &CorsRule| {
            let mut rule = rule.clone();
            let lists =
                [&mut rule.origins, &mut rule.methods, &mut rule.headers, &mut rule.exposed];
            lists.into_iter().for_each(|list| list.sort_unstable());
            rule
        };
        sorted(self) == sorted(other)
    }
}

/// The CORS rules of a bucket, in the order in which the gateway tries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsConfiguration {
    /// The rules.
    pub rules: Vec<CorsRule>,
}

impl CorsConfiguration {
    /// Reads the answer of GetBucketCors, at most 64 KiB.
    pub fn parse(xml: &str) -> Result<Self, CorsError> {
        document::read(xml)
    }

    /// The body of PutBucketCors.
    pub fn to_xml(&self) -> String {
        document::write(self)
    }

    /// Lets pages of `origin` in and returns the rules that this displaced, as they were.
    ///
    /// The origin is taken out of every other rule that names it; a rule for nothing else goes. The
    /// new rule stands first, except for the origin `*`, which would shadow all others and goes
    /// last.
    pub fn apply(&mut self, origin: &Origin) -> Result<Vec<CorsRule>, CorsError> {
        let ours = CorsRule::for_origin(origin);
        let mut kept = Vec::new();
        let mut displaced = Vec::new();
        for rule in &self.rules {
            let mut rest = rule.clone();
            rest.origins.retain(|named| named != origin.as_str());
            if rest != *rule && !rule.says_the_same(&ours) {
                displaced.push(rule.clone());
            }
            if !rest.origins.is_empty() {
                kept.push(rest);
            }
        }
        if kept.len() >= RULES_MAX {
            return Err(CorsError::TooManyRules);
        }
        let place = if origin.is_any() { kept.len() } else { 0 };
        kept.insert(place, ours);
        self.rules = kept;
        Ok(displaced)
    }

    /// True if the first rule that fits `origin` says what [`CorsConfiguration::apply`] makes it
    /// say.
    pub fn admits(&self, origin: &Origin) -> bool {
        let fits = |rule: &&CorsRule| rule.origins.iter().any(|named| origin.matches(named));
        let ours = CorsRule::for_origin(origin);
        self.rules.iter().find(fits).is_some_and(|rule| rule.says_the_same(&ours))
    }
}

#[cfg(test)]
mod tests;
