//! Files with keys in them: read only when nobody else can, written so that nobody else will.

use super::{read_bounded, typed};
use crate::report::{Exit, Failure};
use s3_ssec::LimitedFile;
#[cfg(unix)]
use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a key that comes through a pipe may take. A command that asks a person is for --key-command.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of the largest backup: a sheet with its QR code has 20 KiB.
const BACKUP_MAX: usize = 256 << 10;

/// Reads a file that may hold keys. Refuses it when others can read or write it, or replace it
/// (exit 5), or when there is nothing to read (exit 4).
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unreadable = |error: io::Error| {
        let todo = match error.kind() {
            io::ErrorKind::NotFound => "Check the name; s3-ssec key new makes a key file.",
            _ => "Check the name and your rights to read it.",
        };
        let what = format!("the key file {} cannot be read: {error}", path.display());
        Failure::new(Exit::Key, what, todo)
    };
    let mut file = LimitedFile::open(path).map_err(unreadable)?.within(PATIENCE);
    // Of the file that was opened: what the name stands for may change.
    let metadata = file.metadata().map_err(unreadable)?;
    check_type(path, &metadata)?;
    check_access(path, &metadata)?;
    check_directories(&format!("the key file {}", path.display()), path)?;
    read_bounded(&mut file).map_err(unreadable)
}

/// Reads a descriptor that this process inherited. Taking it over by its number would need unsafe
/// code, so it is opened once more by its name, with the same checks as a file.
pub(crate) fn read_descriptor(number: u16) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let path = Path::new("/dev/fd").join(number.to_string());
    if let Err(error) = fs::metadata(&path) {
        let what = format!("file descriptor {number} is not open: {error}");
        let todo = format!("Open it for the command: {number}< FILE, or {number}< <(COMMAND).");
        return Err(Failure::new(Exit::Key, what, todo));
    }
    read(&path)
}

/// As [`lock`]; what is not there is reported by whoever reads it.
pub(crate) fn lock_if_there(path: &Path) -> Result<Option<File>, Failure> {
    if path.is_file() { lock(path).map(Some) } else { Ok(None) }
}

/// Opens a key file to change it, alone: a second command that would do so is sent away.
fn lock(path: &Path) -> Result<File, Failure> {
    let busy = || {
        let what = format!("the key file {} is being changed by another command", path.display());
        Failure::new(Exit::Failed, what, "Try again when that one is done.")
    };
    let file = File::open(path).map_err(|error| cannot_create(path, &error))?;
    file.try_lock().map_err(|_| busy())?;
    // Whoever had it before may have put a new file in its place.
    if is_same_file(&file, path) { Ok(file) } else { Err(busy()) }
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(opened), Ok(named)) => place(opened) == place(named),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(_: &File, _: &Path) -> bool {
    true
}

/// Replaces a key file, whole or not at all: the new one is on the disk before the old one goes.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), Failure> {
    // Behind a symbolic link, the file itself.
    let path = fs::canonicalize(path).map_err(|error| cannot_create(path, &error))?;
    if !path.is_file() {
        let what = format!("{} is no regular file", path.display());
        return Err(Failure::new(Exit::Unsafe, what, "Name a file that can be replaced."));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let new = path.with_file_name(name);
    create(&new, content)?;
    fs::rename(&new, &path).map_err(|error| {
        let _ = fs::remove_file(&new);
        cannot_create(&path, &error)
    })
}

fn check_type(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    #[cfg(unix)]
    let fifo = std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type());
    #[cfg(not(unix))]
    let fifo = false;
    if metadata.is_file() || fifo {
        return Ok(());
    }
    let kind = if metadata.is_dir() { "a directory" } else { "neither a file nor a pipe" };
    let what = format!("the key file {} is {kind}", path.display());
    Err(Failure::new(Exit::Key, what, "Name the key file itself."))
}

#[cfg(unix)]
fn check_access(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;
    let refused = |problem: &str, todo: String| {
        let what = format!("the key file {} {problem}", path.display());
        Err(Failure::new(Exit::Unsafe, what, todo))
    };
    let quoted = super::quoted(path);
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        let todo = format!("Make a copy of your own: (umask 077; cat {quoted} > my.key).");
        return refused("belongs to another user", todo);
    }
    if metadata.mode() & 0o077 != 0 {
        let problem = format!("is open to other users (mode {:04o})", metadata.mode() & 0o7777);
        return refused(&problem, format!("Close it: chmod 600 {quoted}"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_access(_: &Path, _: &Metadata) -> Result<(), Failure> {
    Ok(())
}

/// Refuses a file that others can write or replace: the rule of ssh for its configuration.
#[cfg(unix)]
pub(crate) fn check_writers(
    subject: &str,
    path: &Path,
    metadata: &Metadata,
) -> Result<(), Failure> {
    if let Some(writers) = writers(metadata).filter(|_| metadata.is_file()) {
        let quoted = super::quoted(path);
        let todo = match writers {
            Writers::Owner => format!("Make a copy of your own: (umask 077; cat {quoted} > copy)."),
            Writers::Others(_) => format!("Make it yours alone: chmod go-w {quoted}"),
        };
        return Err(Failure::new(Exit::Unsafe, format!("{subject} {writers}"), todo));
    }
    check_directories(subject, path)
}

#[cfg(not(unix))]
pub(crate) fn check_writers(_: &str, _: &Path, _: &Metadata) -> Result<(), Failure> {
    Ok(())
}

/// Refuses a file that others can replace, or a directory on the way to it: of its name, and of what a
/// symbolic link leads to. In a sticky directory, such as /tmp, they cannot. The rule of OpenSSH
/// (StrictModes): up to the home directory, and from elsewhere up to the root.
#[cfg(unix)]
fn check_directories(subject: &str, path: &Path) -> Result<(), Failure> {
    check_up_to(std::env::home_dir().as_deref(), subject, path)
}

#[cfg(unix)]
fn check_up_to(home: Option<&Path>, subject: &str, path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;
    const STICKY: u32 = 0o1000;
    let real = fs::canonicalize(path).ok();
    let named = std::path::absolute(path).ok();
    let home = home.filter(|home| home.is_absolute());
    let homes = [home.map(Path::to_owned), home.and_then(|home| fs::canonicalize(home).ok())];
    for directory in named.iter().chain(&real).flat_map(|path| directories(path, &homes)) {
        // A pipe of a shell has none.
        let Ok(metadata) = fs::metadata(directory) else { continue };
        let is_sticky = metadata.mode() & STICKY != 0 && is_ours(metadata.uid());
        if let Some(writers) = writers(&metadata).filter(|_| !is_sticky) {
            let what = format!("{subject} is below {}, which {writers}", directory.display());
            let todo = match writers {
                Writers::Owner => {
                    "That user could put another file in its place. Move it to a directory \
                                   of your own."
                        .to_owned()
                }
                Writers::Others(_) => format!(
                    "Others could put another file in its place. Close it: chmod go-w {}; or use \
                     another directory.",
                    super::quoted(directory)
                ),
            };
            return Err(Failure::new(Exit::Unsafe, what, todo));
        }
    }
    Ok(())
}

/// The directories on the way to a file: from the home directory on, where it is below that.
#[cfg(unix)]
fn directories<'a>(path: &'a Path, homes: &'a [Option<PathBuf>]) -> impl Iterator<Item = &'a Path> {
    let home = homes.iter().flatten().find(|home| path.starts_with(home));
    path.ancestors()
        .skip(1)
        .take_while(move |directory| home.is_none_or(|home| directory.starts_with(home)))
}

#[cfg(not(unix))]
fn check_directories(_: &str, _: &Path) -> Result<(), Failure> {
    Ok(())
}

/// Other users who can write a file, or a directory.
#[cfg(unix)]
#[derive(Clone, Copy)]
enum Writers {
    /// Its owner.
    Owner,
    /// Its group or everyone, by this mode.
    Others(u32),
}

#[cfg(unix)]
impl fmt::Display for Writers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Writers::Owner => f.write_str("belongs to another user"),
            Writers::Others(mode) => write!(f, "other users can write (mode {mode:04o})"),
        }
    }
}

#[cfg(unix)]
fn writers(metadata: &Metadata) -> Option<Writers> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = metadata.mode() & 0o7777;
    match (is_ours(metadata.uid()), mode & 0o022) {
        (false, _) => Some(Writers::Owner),
        (true, 0) => None,
        (true, _) => Some(Writers::Others(mode)),
    }
}

/// Ours, or of root, who can do anything anyway.
#[cfg(unix)]
fn is_ours(owner: u32) -> bool {
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// Writes a new file that only its owner can read. An existing one is never touched (exit 5).
pub(crate) fn create(path: &Path, content: &[u8]) -> Result<(), Failure> {
    typed::refuse("the name of the file to make", path)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| cannot_create(path, &error))?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    sync_name(path);
    written.map_err(|error| {
        // Half a key is worse than none; the file was made a moment ago, by us.
        let _ = fs::remove_file(path);
        cannot_create(path, &error)
    })
}

/// Puts the name of a new file on the disk, where the system and the file system can.
pub(crate) fn sync_name(path: &Path) {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = File::open(parent.unwrap_or(Path::new(".")));
    let _ = directory.and_then(|directory| directory.sync_all());
}

/// A file with a key in it would take the place of another.
pub(crate) fn exists(path: &Path) -> Failure {
    let what = format!("{} exists already, and a key file is never overwritten", path.display());
    Failure::new(Exit::Unsafe, what, "Choose another name: --out FILE.")
}

/// Reads a backup. Who may read it as well does not matter any more: it is there to be used.
pub(crate) fn read_backup(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unreadable = |error: io::Error| {
        let what = format!("the backup {} cannot be read: {error}", path.display());
        Failure::new(Exit::Key, what, "Check the name and your rights to read it.")
    };
    let mut file = LimitedFile::open(path).map_err(unreadable)?.within(PATIENCE);
    let bytes = super::read_at_most(&mut file, BACKUP_MAX).map_err(unreadable)?;
    if bytes.len() > BACKUP_MAX {
        let what = format!("{} is too large for a backup of a key", path.display());
        return Err(Failure::new(Exit::Key, what, "Check the name."));
    }
    Ok(bytes)
}

fn cannot_create(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => Failure::new(
            Exit::Failed,
            format!("{} cannot be written: {error}", path.display()),
            "Check the directory, your rights, and the free space.",
        ),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_replaced_whole_and_by_one_at_a_time() {
        let dir = std::env::temp_dir().join(format!("s3-ssec-replace-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (path, link) = (dir.join("a.key"), dir.join("link"));
        create(&path, b"old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let held = lock(&path).unwrap();
        assert_eq!(lock(&link).err().unwrap().exit, Exit::Failed);
        replace(&link, b"new").unwrap();
        drop(held);
        assert_eq!(read(&path).unwrap().as_slice(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(lock(&path).is_ok());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
        let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
        assert_eq!(replace(&dir.join("socket"), b"new").err().unwrap().exit, Exit::Unsafe);
        assert!(!dir.join("socket").is_file());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_descriptor_is_read_by_its_number() {
        use std::os::fd::AsRawFd as _;
        let path = std::env::temp_dir().join(format!("s3-ssec-fd-{}", std::process::id()));
        create(&path, b"content").unwrap();
        let file = File::open(&path).unwrap();
        let number = u16::try_from(file.as_raw_fd()).unwrap();
        assert_eq!(read_descriptor(number).unwrap().as_slice(), b"content");
        let closed = read_descriptor(9999).err().unwrap();
        assert_eq!(closed.exit, Exit::Key);
        assert!(closed.to_string().contains("is not open"), "{closed}");
        fs::remove_file(path).unwrap();
    }

    fn exit_of(path: &Path) -> Option<Exit> {
        read(path).err().map(|failure| failure.exit)
    }

    #[test]
    fn only_private_files_are_read_and_made() {
        let dir = std::env::temp_dir().join(format!("s3-ssec-keys-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("a.key");
        create(&path, b"\0content").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(read(&path).unwrap().as_slice(), b"\0content");
        let again = create(&path, b"other").err().unwrap();
        assert_eq!(again.exit, Exit::Unsafe);
        assert_eq!(fs::read(&path).unwrap(), b"\0content");
        for mode in [0o640, 0o604, 0o660, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(exit_of(&path), Some(Exit::Unsafe), "{mode:o}");
        }
        for mode in [0o600, 0o400] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(exit_of(&path), None, "{mode:o}");
        }
        for absent in [&*dir, &dir.join("b.key"), Path::new("/dev/null")] {
            assert_eq!(exit_of(absent), Some(Exit::Key), "{}", absent.display());
        }
        assert_eq!(create(&dir.join("no/b.key"), b"").err().unwrap().exit, Exit::Failed);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn keys_are_not_read_where_others_can_replace_them() {
        let dir = std::env::temp_dir().join(format!("s3-ssec-dirs-{}", std::process::id()));
        let (open, link) = (dir.join("open"), dir.join("link.key"));
        fs::create_dir_all(&open).unwrap();
        let path = open.join("a.key");
        create(&path, b"content").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let modes = [(0o755, None), (0o1777, None), (0o700, None)];
        let refused = [0o777, 0o775, 0o757].map(|mode| (mode, Some(Exit::Unsafe)));
        for (mode, exit) in modes.into_iter().chain(refused) {
            fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(exit_of(&path), exit, "{mode:o}");
            assert_eq!(exit_of(&link), exit, "{mode:o} behind a link");
        }
        // A directory on the way can be replaced too.
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        for (mode, exit) in [(0o777, Some(Exit::Unsafe)), (0o1777, None), (0o755, None)] {
            fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!((exit_of(&path), exit_of(&link)), (exit, exit), "{mode:o}");
        }
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn directories_above_the_home_directory_do_not_count() {
        let dir = std::env::temp_dir().join(format!("s3-ssec-home-{}", std::process::id()));
        let (home, link) = (dir.join("home"), dir.join("link"));
        fs::create_dir_all(home.join("keys")).unwrap();
        std::os::unix::fs::symlink(&home, &link).unwrap();
        let path = home.join("keys/a.key");
        create(&path, b"content").unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        fn exit(home: Option<&Path>, path: &Path) -> Option<Exit> {
            check_up_to(home, "it", path).err().map(|failure| failure.exit)
        }
        assert_eq!(exit(Some(&*home), &path), None);
        assert_eq!(exit(Some(&*link), &path), None);
        for elsewhere in [None, Some(dir.join("keys")), Some("home".into())] {
            assert_eq!(exit(elsewhere.as_deref(), &path), Some(Exit::Unsafe), "{elsewhere:?}");
        }
        // Others can replace a link that is not below it.
        assert_eq!(exit(Some(&*home), &link.join("keys/a.key")), Some(Exit::Unsafe));
        fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(exit(Some(&*home), &path), Some(Exit::Unsafe), "the home directory itself");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_config_that_others_write_is_refused() {
        let dir = std::env::temp_dir().join(format!("s3-ssec-writers-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("config.toml");
        fs::write(&path, "").unwrap();
        let check = || {
            let checked = check_writers("it", &path, &fs::metadata(&path).unwrap());
            checked.err().map(|failure| failure.exit)
        };
        for (mode, exit) in
            [(0o644, None), (0o664, Some(Exit::Unsafe)), (0o646, Some(Exit::Unsafe))]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(check(), exit, "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(check(), Some(Exit::Unsafe));
        // Further up, as for key files.
        let below = dir.join("a/b");
        fs::create_dir_all(&below).unwrap();
        let path = below.join("config.toml");
        fs::write(&path, "").unwrap();
        let checked = check_writers("it", &path, &fs::metadata(&path).unwrap());
        assert_eq!(checked.err().map(|failure| failure.exit), Some(Exit::Unsafe));
        fs::remove_dir_all(dir).unwrap();
    }
}
