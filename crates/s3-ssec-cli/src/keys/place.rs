//! The places that keys belong to.

use s3_ssec::core::endpoint::{Endpoint, PlainHttp};
use s3_ssec::core::names::S3Address;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A gateway, or a bucket or prefix there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Place {
    /// In its one spelling, [`Endpoint::canonical`].
    endpoint: String,
    within: Option<S3Address>,
}

impl Place {
    pub(crate) fn new(endpoint: &Endpoint, within: Option<S3Address>) -> Self {
        Self { endpoint: endpoint.canonical(), within }
    }

    /// True if it is at this gateway, in its one spelling.
    pub(crate) fn is_at(&self, endpoint: &str) -> bool {
        self.endpoint == endpoint
    }

    /// True if what is at `place` of the gateway belongs to it.
    pub(crate) fn covers(&self, endpoint: &str, place: &S3Address) -> bool {
        let within = |own: &S3Address| own.bucket == place.bucket && own.holds(&place.path);
        self.endpoint == endpoint && self.within.as_ref().is_none_or(within)
    }

    /// True if all of the other one belongs to it.
    pub(crate) fn includes(&self, other: &Place) -> bool {
        match &other.within {
            Some(place) => self.covers(&other.endpoint, place),
            None => self.within.is_none() && self.endpoint == other.endpoint,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.within {
            None => f.write_str(&self.endpoint),
            Some(within) => write!(f, "{} {within}", self.endpoint),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (endpoint, within) = match text.split_once(' ') {
            Some((endpoint, within)) => (endpoint, Some(within)),
            None => (text, None),
        };
        let endpoint = Endpoint::parse(endpoint, PlainHttp::LoopbackOnly)
            .map_err(|error| error.to_string())?;
        let within = within.map(S3Address::parse).transpose().map_err(|error| error.to_string())?;
        Ok(Self::new(&endpoint, within))
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
