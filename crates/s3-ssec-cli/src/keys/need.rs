//! What a command needs keys for: the places it reads from, and the one it writes to.

use s3_ssec::core::names::{ObjectName, S3Address};

/// Places at one gateway.
pub(crate) struct Need {
    pub(super) reads: Vec<S3Address>,
    pub(super) writes: Option<S3Address>,
}

impl Need {
    /// To read what is there.
    pub(crate) fn to_read(place: impl Into<Spot>) -> Self {
        Self { reads: vec![place.into().0], writes: None }
    }

    /// To read what is at several places.
    pub(crate) fn to_read_all(places: &[S3Address]) -> Self {
        Self { reads: places.to_vec(), writes: None }
    }

    /// To write there, and to look at what is there.
    pub(crate) fn to_write(place: impl Into<Spot>) -> Self {
        let place = place.into().0;
        Self { reads: vec![place.clone()], writes: Some(place) }
    }

    /// To write what is read elsewhere.
    pub(crate) fn to_copy(from: impl Into<Spot>, to: impl Into<Spot>) -> Self {
        Self { reads: vec![from.into().0], writes: Some(to.into().0) }
    }

    /// No place: the key is shown to whoever asked.
    pub(crate) fn nowhere() -> Self {
        Self { reads: Vec::new(), writes: None }
    }

    /// True if something is encrypted with the key that writes.
    pub(crate) fn is_to_write(&self) -> bool {
        self.writes.is_some()
    }

    pub(crate) fn is_nowhere(&self) -> bool {
        self.places().next().is_none()
    }

    /// All places, the one that is written first.
    pub(super) fn places(&self) -> impl Iterator<Item = &S3Address> {
        self.writes.iter().chain(&self.reads)
    }
}

/// An object or a place that holds objects.
pub(crate) struct Spot(S3Address);

impl From<&S3Address> for Spot {
    fn from(place: &S3Address) -> Self {
        Self(place.clone())
    }
}

impl From<&ObjectName> for Spot {
    fn from(object: &ObjectName) -> Self {
        Self(S3Address { bucket: object.bucket.clone(), path: object.key.as_str().to_owned() })
    }
}
