//! The file of a download before it has its name: beside it, locked by who writes it, and for its
//! owner alone.
//!
//! Its name is random, so that no object has it. The files of killed downloads are removed by the
//! next into the same directory: they carry a mark in their mode that no finished file has. A
//! download with a journal goes on with its file, which carries no mark.

use super::directory::{Directory, EntryKind};
use super::target::Target;
use s3_ssec_core::key::random_bytes;
use sha2::{Digest as _, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io;

/// End of the name of a file that is not whole.
pub(super) const PARTIAL: &str = ".s3-ssec-part";

/// Names of so many bytes leave room for what comes around them: file systems take 255.
const NAME_MAX: usize = 200;

/// The sticky bit, which has no effect on a file: it marks one that is of no use once its writer has
/// ended.
const MARK: u32 = 0o1000;

/// Makes a new file beside `target`: on the same file system, so that naming it is atomic.
pub(super) fn create(target: &Target, has_journal: bool) -> io::Result<(OsString, File)> {
    loop {
        let random = random_bytes::<6>().map_err(io::Error::other)?;
        let name = beside(&target.name, &base16ct::lower::encode_string(&random));
        let file = match target.directory.create(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            created => created?,
        };
        // Where a file system has no locks or marks, nothing is cleared away either.
        let is_held = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if is_held || !is_at(&file, &target.directory, &name) {
            continue;
        }
        if !has_journal {
            set_mode(&file, MARK | 0o600);
        }
        return Ok((name, file));
    }
}

/// Removes the files of killed downloads from a directory. A living one holds its lock.
pub(crate) fn clear(directory: &Directory) {
    let names = directory.names().unwrap_or_default();
    for name in names.iter().filter(|name| is_partial(name)) {
        let is_marked = |entry: super::directory::Entry| {
            entry.kind == EntryKind::File && entry.mode & MARK != 0
        };
        if !directory.entry(name).is_some_and(is_marked) {
            continue;
        }
        let Ok(file) = directory.reopen(name) else { continue };
        // Between the calls another process may have cleared it away and made its own.
        if file.try_lock().is_ok() && is_at(&file, directory, name) {
            let _ = directory.remove(name);
        }
    }
}

/// True for the name of a file that is not whole.
pub(super) fn is_partial(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(PARTIAL.as_bytes())
}

/// Gives the file the mode of the one that it replaces, or of any new file.
pub(super) fn open_up(file: &File, replaced: Option<u32>) {
    #[cfg(unix)]
    let new = 0o666 & !umask();
    #[cfg(not(unix))]
    let new = 0;
    set_mode(file, replaced.unwrap_or(new));
}

fn set_mode(file: &File, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // A file system without modes: then there is nothing to set.
        let _ = file.set_permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = (file, mode);
}

/// What this process keeps from new files. It can only be read by setting it, which is done once, and
/// to the strictest: a file that another thread makes meanwhile is closed rather than open.
#[cfg(unix)]
#[allow(clippy::useless_conversion, reason = "modes have 16 bits on macOS")]
fn umask() -> u32 {
    use rustix::fs::Mode;
    static UMASK: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *UMASK.get_or_init(|| {
        let mask = rustix::process::umask(Mode::from_raw_mode(0o077));
        rustix::process::umask(mask);
        mask.as_raw_mode().into()
    })
}

fn beside(name: &OsStr, random: &str) -> OsString {
    let name = name.to_string_lossy();
    let short = match name.len() <= NAME_MAX {
        true => name.into_owned(),
        false => {
            let start: String = name.chars().take(40).collect();
            let hash = Sha256::digest(name.as_bytes());
            format!("{start}.{}", base16ct::lower::encode_string(&hash[..8]))
        }
    };
    format!(".{short}.{random}{PARTIAL}").into()
}

/// True if the name in the directory is that of the open file.
#[cfg(unix)]
pub(super) fn is_at(file: &File, directory: &Directory, name: &OsStr) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), directory.entry(name)) {
        (Ok(opened), Some(entry)) => (opened.dev(), opened.ino()) == entry.identity,
        _ => false,
    }
}

#[cfg(not(unix))]
pub(super) fn is_at(_: &File, _: &Directory, _: &OsStr) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    fn directory(name: &str) -> io::Result<PathBuf> {
        let directory = std::env::temp_dir().join(format!("s3-ssec-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    fn mode(path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
    }

    #[test]
    fn the_files_of_killed_downloads_are_removed_and_no_others() {
        let path = directory("part").unwrap();
        let target = Target::of(&path.join("a")).unwrap();
        let (left, file) = create(&target, false).unwrap();
        drop(file);
        let (living, held) = create(&target, false).unwrap();
        let (kept, _) = create(&target, true).unwrap();
        // An object may have such a name.
        let object = ".a.001122334455.s3-ssec-part";
        fs::write(path.join(object), b"whole").unwrap();
        clear(&target.directory);
        assert!(!path.join(&left).exists());
        for name in [living.as_os_str(), &kept, OsStr::new(object)] {
            assert!(path.join(name).exists(), "{name:?}");
        }
        drop(held);
        // Killed when the file had both its names: the content is the target's as well.
        fs::hard_link(path.join(&living), path.join("a")).unwrap();
        clear(&target.directory);
        assert!(!path.join(&living).exists() && path.join("a").exists());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn the_mode_is_that_of_any_file_in_the_end() {
        let path = directory("mode").unwrap();
        let (name, file) = create(&Target::of(&path.join("a")).unwrap(), false).unwrap();
        assert_eq!(mode(&path.join(&name)).unwrap(), 0o1600);
        open_up(&file, None);
        fs::write(path.join("any"), b"").unwrap();
        assert_eq!(mode(&path.join(&name)).unwrap(), mode(&path.join("any")).unwrap());
        open_up(&file, Some(0o640));
        assert_eq!(mode(&path.join(&name)).unwrap(), 0o640);
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let name = |end: &str| beside(OsStr::new(&format!("{}{end}", "ä".repeat(120))), "001122");
        assert_ne!(name("a"), name("b"));
        assert!(name("a").len() < 240);
    }
}
