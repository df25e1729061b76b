//! The file of a download before it has its name: beside it, locked by who writes it, and for its
//! owner alone.
//!
//! What a journal finds again has a name that nobody else can hit upon. Everything else has one that
//! follows from its target, so that the next run finds what a killed one left.

use s3_ssec_core::key::random_bytes;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// End of the name of a file that is not whole.
pub(super) const PARTIAL: &str = "s3-ssec-part";

/// Names of so many bytes leave room for what comes around them: file systems take 255.
const NAME_MAX: usize = 200;

/// Makes a new file beside `target`: on the same file system, so that naming it is atomic.
pub(super) fn create(target: &Path, has_journal: bool) -> io::Result<(PathBuf, File)> {
    if !has_journal {
        clear(target);
        let path = beside(target, "")?;
        if let Some(file) = create_locked(&path)? {
            return Ok((path, file));
        }
    }
    loop {
        let random = random_bytes::<6>().map_err(io::Error::other)?;
        let path = beside(target, &format!(".{}", base16ct::lower::encode_string(&random)))?;
        if let Some(file) = create_locked(&path)? {
            return Ok((path, file));
        }
    }
}

/// Removes what a killed run left of a download to `target`. A living one holds the lock.
pub(crate) fn clear(target: &Path) {
    let Ok(path) = beside(target, "") else { return };
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return;
    }
    let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { return };
    // Between the two calls somebody may have cleared it away and made his own.
    if file.try_lock().is_ok() && is_at(&file, &path) {
        let _ = fs::remove_file(path);
    }
}

/// Lets others read the file as far as they may read any new one.
pub(super) fn open_up(file: &File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // A file system without modes: then there is nothing to open.
        let _ = file.set_permissions(fs::Permissions::from_mode(0o666 & !umask()));
    }
    #[cfg(not(unix))]
    let _ = file;
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

fn beside(target: &Path, middle: &str) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let short = match name.len() <= NAME_MAX {
        true => name.into_owned(),
        false => {
            let start: String = name.chars().take(40).collect();
            let hash = Sha256::digest(name.as_bytes());
            format!("{start}.{}", base16ct::lower::encode_string(&hash[..8]))
        }
    };
    Ok(target.with_file_name(format!(".{short}{middle}.{PARTIAL}")))
}

/// `None` if the name is taken, or somebody who clears away was faster than the lock.
fn create_locked(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        opened => opened?,
    };
    // Where a file system has no locks, nothing is cleared away either.
    let is_held = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    Ok((!is_held && is_at(&file, path)).then_some(file))
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(opened), Ok(named)) => (opened.dev(), opened.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn directory(name: &str) -> io::Result<PathBuf> {
        let directory = std::env::temp_dir().join(format!("s3-ssec-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    fn mode(path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
    }

    #[test]
    fn the_dead_are_cleared_away_and_the_living_left() {
        let directory = directory("part").unwrap();
        let target = directory.join("a");
        let left = create(&target, false).unwrap();
        drop(left.1);
        let (first, living) = create(&target, false).unwrap();
        assert_eq!(left.0, first, "in the place of the dead one");
        let (second, _) = create(&target, false).unwrap();
        assert_ne!(first, second, "the first is being written");
        let (third, _) = create(&target, true).unwrap();
        clear(&target);
        assert!(first.exists() && third.exists());
        drop(living);
        // Killed when the file had both its names: the content is the target's as well.
        fs::hard_link(&first, &target).unwrap();
        clear(&target);
        assert!(!first.exists() && third.exists() && target.exists());
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn the_mode_is_that_of_any_file_in_the_end() {
        let directory = directory("mode").unwrap();
        let (path, file) = create(&directory.join("a"), false).unwrap();
        assert_eq!(mode(&path).unwrap(), 0o600);
        open_up(&file);
        fs::write(directory.join("any"), b"").unwrap();
        assert_eq!(mode(&path).unwrap(), mode(&directory.join("any")).unwrap());
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let name = |end: &str| beside(Path::new(&format!("{}{end}", "ä".repeat(120))), "").unwrap();
        assert_ne!(name("a"), name("b"));
        assert!(name("a").as_os_str().len() < 240);
    }
}
