//! The releases we run, and where their packages, data, certificates and locks live.

use crate::{output, project};
use anyhow::{Context, Result, bail};
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Longest run directory: a Unix socket's name has 108 bytes, and Ceph adds a file name.
const MAX_RUN_DIR: usize = 70;

/// A major release of Ceph, named as its users do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// Pacific.
    V16,
    /// Reef.
    V18,
    /// Tentacle.
    V20,
}

impl Version {
    /// All, oldest first.
    pub(crate) const ALL: [Version; 3] = [Version::V16, Version::V18, Version::V20];

    /// The Debian suite that carries it.
    pub(super) fn suite(self) -> &'static str {
        match self {
            Version::V16 => "bookworm",
            Version::V18 => "trixie",
            Version::V20 => "sid",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V16 => "16",
            Version::V18 => "18",
            Version::V20 => "20",
        })
    }
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match Version::ALL.into_iter().find(|version| version.to_string() == text) {
            Some(version) => Ok(version),
            None => bail!("`{text}` is no version we run\nThere are 16, 18 and 20."),
        }
    }
}

/// Our part of the user's cache: shared by all checkouts.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(base.join("s3-ssec"))
}

/// Where the packages of `version` are unpacked: shared by all checkouts.
pub(super) fn unpacked(version: Version) -> Result<PathBuf> {
    Ok(cache()?.join("ceph").join(version.to_string()))
}

/// The clusters of all checkouts.
pub(super) fn all_labs() -> Result<PathBuf> {
    Ok(cache()?.join("lab"))
}

/// The clusters of this checkout.
pub(super) fn lab() -> Result<PathBuf> {
    let name = hash(project::root().as_os_str().as_encoded_bytes());
    Ok(all_labs()?.join(format!("{name:08x}")))
}

/// Configuration, logs, data and state of one cluster of this checkout.
pub(super) fn run_dir(version: Version) -> Result<PathBuf> {
    let dir = lab()?.join(version.to_string());
    if dir.as_os_str().len() > MAX_RUN_DIR {
        bail!(
            "{} is too long for Ceph's Unix sockets\nSet XDG_CACHE_HOME to a shorter directory.",
            dir.display()
        );
    }
    Ok(dir)
}

/// Waits for the lock `file`, which is held until the returned value is dropped.
///
/// The kernel gives it back when we die, however we die.
pub(crate) fn lock(file: &Path) -> Result<File> {
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let handle = File::create(file).with_context(|| format!("cannot make {}", file.display()))?;
    match handle.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            output::say(format_args!("waiting for another cargo xtask ({})", file.display()));
            handle.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(handle)
}

/// FNV-1a, 32 bits: the standard library's hash may change between releases.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv1a() {
        // The published test values for "" and "foobar".
        assert_eq!(hash(b""), 0x811c_9dc5);
        assert_eq!(hash(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn versions_read_as_they_are_written() {
        for version in Version::ALL {
            assert_eq!(version.to_string().parse::<Version>().unwrap(), version);
        }
        assert!("17".parse::<Version>().is_err());
    }
}
