//! The simulated servers, and the lies that they keep to.

/// The tags of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transfer::sim) enum Tags {
    Kept,
    /// Taken, and never seen again (Garage 2.5).
    Dropped,
    /// 501.
    Refused,
}

/// The versions of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transfer::sim) enum Versions {
    None,
    Enabled,
    /// The null version is replaced; others stay.
    Suspended,
    /// None, but every answer shows an ID, and a DELETE of any version deletes the object (Garage 2.5).
    Shown,
}

/// The ways of one server.
#[derive(Clone, Copy, Debug)]
pub(in crate::transfer::sim) struct Profile {
    pub(in crate::transfer::sim) versions: Versions,
    pub(in crate::transfer::sim) tags: Tags,
    /// The status of a wrong key: 400 of RGW, 403 of AWS.
    pub(super) wrong_key: u16,
    /// True if `If-None-Match` is heeded.
    pub(in crate::transfer::sim) conditions: bool,
    /// False if GetBucketVersioning is refused.
    pub(super) tells_versioning: bool,
    /// False if the tags of CreateMultipartUpload are dropped (RGW 16 and 18).
    pub(super) create_tags: bool,
}

impl Profile {
    pub(in crate::transfer::sim) const RGW_18: Self = Self {
        versions: Versions::None,
        tags: Tags::Kept,
        wrong_key: 400,
        conditions: true,
        tells_versioning: true,
        create_tags: false,
    };
    pub(in crate::transfer::sim) const RGW_20: Self =
        Self { versions: Versions::Enabled, create_tags: true, ..Self::RGW_18 };
    /// RGW 16 and 18 ignore the condition in buckets with versions.
    const RGW_18_VERSIONS: Self = Self { conditions: false, create_tags: false, ..Self::RGW_20 };
    const SUSPENDED: Self = Self { versions: Versions::Suspended, ..Self::RGW_20 };
    const AWS: Self = Self { wrong_key: 403, ..Self::RGW_20 };
    pub(in crate::transfer::sim) const AWS_WITHOUT_RIGHTS: Self =
        Self { tells_versioning: false, ..Self::AWS };
    const UNTAGGED: Self = Self { tags: Tags::Refused, ..Self::RGW_18 };
    const GARAGE: Self = Self {
        versions: Versions::Shown,
        tags: Tags::Dropped,
        conditions: false,
        tells_versioning: false,
        ..Self::RGW_18
    };
    /// True if it lists versions and uploads.
    pub(in crate::transfer::sim) fn lists(self) -> bool {
        self.tells_versioning
    }

    pub(in crate::transfer::sim) const ALL: [Self; 8] = [
        Self::RGW_18,
        Self::RGW_20,
        Self::RGW_18_VERSIONS,
        Self::SUSPENDED,
        Self::AWS,
        Self::AWS_WITHOUT_RIGHTS,
        Self::UNTAGGED,
        Self::GARAGE,
    ];
}

/// A lie that a gateway keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transfer::sim) enum Lie {
    None,
    /// It stores plaintext and echoes nothing.
    Plaintext,
    /// It stores plaintext and echoes the key in the answer to PUT.
    PlaintextEchoed,
    /// It encrypts, and PUT has no echo.
    NoEcho,
    /// It stores plaintext and answers 500.
    PlaintextBehind500,
    /// It encrypts, and the echo of PUT is there twice.
    DoubledEcho,
    /// It stores plaintext and says that it removed what it keeps.
    Undeletable,
    /// It stores plaintext, names the version of another writer in its answer, and echoes nothing.
    OthersVersion,
    /// It stores plaintext, and says so in an answer without an ETag.
    PlaintextBehindNothing,
}

impl Lie {
    pub(in crate::transfer::sim) const ALL: [Self; 9] = [
        Self::None,
        Self::Plaintext,
        Self::PlaintextEchoed,
        Self::NoEcho,
        Self::PlaintextBehind500,
        Self::DoubledEcho,
        Self::Undeletable,
        Self::OthersVersion,
        Self::PlaintextBehindNothing,
    ];

    pub(super) fn is_plaintext(self) -> bool {
        !matches!(self, Lie::None | Lie::NoEcho | Lie::DoubledEcho)
    }
}
