//! A directory that is held open, so that links cannot lead away what is written into it.
//!
//! The user's own path to it may contain links. Below it every step is opened by itself, in the
//! directory before, and never through a link: one that another process swaps in is an error.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use {
    rustix::fs::{self, AtFlags, FileType, Mode, OFlags},
    std::os::fd::OwnedFd,
    std::os::unix::ffi::OsStrExt as _,
    std::sync::Arc,
};

/// A directory. On systems without `openat` its path stands for it.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    #[cfg(unix)]
    handle: Arc<OwnedFd>,
    pub(crate) path: PathBuf,
}

/// The kind of a name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Directory,
    Link,
    Other,
}

/// A name in a directory: its kind, its mode, and the numbers that say which file it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    pub(crate) mode: u32,
    pub(crate) identity: (u64, u64),
}

#[cfg(unix)]
#[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "types differ by system")]
impl Directory {
    /// Opens a directory by the user's own path, which may lead through links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // An empty parent stands for the working directory.
        let named = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = Arc::new(fs::open(named, flags, Mode::empty())?);
        Ok(Self { handle, path: path.to_owned() })
    }

    /// The directory of this name in this one, made if it does not exist. Never through a link.
    pub(crate) fn enter(&self, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || fs::openat(&self.handle, name, flags, Mode::empty());
        let opened = match open() {
            Err(rustix::io::Errno::NOENT) => {
                match fs::mkdirat(&self.handle, name, Mode::from_raw_mode(0o777)) {
                    // Another file of the same directory was faster.
                    Ok(()) | Err(rustix::io::Errno::EXIST) => open(),
                    Err(error) => Err(error),
                }
            }
            opened => opened,
        };
        match opened {
            Ok(handle) => Ok(Self { handle: Arc::new(handle), path: self.path.join(name) }),
            Err(rustix::io::Errno::LOOP) => Err(io::ErrorKind::NotADirectory.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a new file for its owner alone.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(fs::openat(&self.handle, name, flags | OFlags::CLOEXEC, mode)?.into())
    }

    /// Opens a file that exists, to go on with it.
    pub(crate) fn reopen(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(fs::openat(&self.handle, name, flags, Mode::empty())?.into())
    }

    /// The kind of file that a name has; `None` if there is none.
    pub(crate) fn entry(&self, name: &OsStr) -> Option<Entry> {
        let found = fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let kind = match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            FileType::Symlink => EntryKind::Link,
            _ => EntryKind::Other,
        };
        let identity = (found.st_dev as u64, found.st_ino as u64);
        Some(Entry { kind, mode: u32::from(found.st_mode) & 0o7777, identity })
    }

    /// Gives a file another name, in the place of what has that name.
    pub(crate) fn replace(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Gives a file another name unless that is taken. A link fails where it is; a rename would not.
    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        match fs::linkat(&self.handle, from, &self.handle, to, AtFlags::empty()) {
            Ok(()) => self.remove(from),
            Err(rustix::io::Errno::EXIST) => Err(io::ErrorKind::AlreadyExists.into()),
            // A file system without links.
            Err(_) if self.entry(to).is_some() => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => self.replace(from, to),
        }
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// All names in it.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = fs::Dir::read_from(&self.handle)?;
        let name = |entry: fs::DirEntry| OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
        Ok(entries.filter_map(Result::ok).map(name).collect())
    }

    /// Puts its names on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match fs::fsync(&self.handle) {
            // A file system that has no such thing.
            Err(rustix::io::Errno::INVAL) => Ok(()),
            done => Ok(done?),
        }
    }
}

#[cfg(not(unix))]
impl Directory {
    /// Opens a directory by the user's own path.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let named = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match named.is_dir() {
            true => Ok(Self { path: path.to_owned() }),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The directory of this name in this one, made if it does not exist. Never through a link.
    pub(crate) fn enter(&self, name: &str) -> io::Result<Self> {
        let path = self.path.join(name);
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
            Err(_) => match std::fs::create_dir(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            },
        }
        Ok(Self { path })
    }

    /// Makes a new file.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create_new(true).open(self.path.join(name))
    }

    /// Opens a file that exists, to go on with it.
    pub(crate) fn reopen(&self, name: &OsStr) -> io::Result<File> {
        std::fs::OpenOptions::new().read(true).write(true).open(self.path.join(name))
    }

    /// The kind of file that a name has; `None` if there is none.
    pub(crate) fn entry(&self, name: &OsStr) -> Option<Entry> {
        let kind = self.path.join(name).symlink_metadata().ok()?.file_type();
        let kind = match () {
            () if kind.is_symlink() => EntryKind::Link,
            () if kind.is_dir() => EntryKind::Directory,
            () if kind.is_file() => EntryKind::File,
            () => EntryKind::Other,
        };
        Some(Entry { kind, mode: 0, identity: (0, 0) })
    }

    /// Gives a file another name, in the place of what has that name.
    pub(crate) fn replace(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    /// Gives a file another name unless that is taken.
    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        match std::fs::hard_link(self.path.join(from), self.path.join(to)) {
            Ok(()) => self.remove(from),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(_) if self.entry(to).is_some() => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => self.replace(from, to),
        }
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    /// All names in it.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        Ok(std::fs::read_dir(&self.path)?.flatten().map(|entry| entry.file_name()).collect())
    }

    /// Directories cannot be synchronised here.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_swapped_in_leads_nowhere() {
        let base = std::env::temp_dir().join(format!("s3-ssec-beneath-{}", std::process::id()));
        let (root, outside) = (base.join("root"), base.join("outside"));
        std::fs::create_dir_all(root.join("real")).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        let held = Directory::open(&root).unwrap().enter("real").unwrap();
        // As another process would, between a look and a write.
        std::fs::rename(root.join("real"), root.join("moved")).unwrap();
        symlink(&outside, root.join("real")).unwrap();
        let file = held.create(OsStr::new("part")).unwrap();
        held.rename_new(OsStr::new("part"), OsStr::new("a")).unwrap();
        held.sync().unwrap();
        drop(file);
        assert!(root.join("moved/a").exists());
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
        let through = Directory::open(&root).unwrap().enter("real").unwrap_err();
        assert_eq!(through.kind(), io::ErrorKind::NotADirectory);
        // Nor is a file opened or made through a link.
        symlink(outside.join("b"), root.join("moved/b")).unwrap();
        assert!(held.create(OsStr::new("b")).is_err() && held.reopen(OsStr::new("b")).is_err());
        assert_eq!(held.entry(OsStr::new("b")).unwrap().kind, EntryKind::Link);
        assert!(Directory::open(&root.join("real")).is_ok(), "a path of the user's own");
        std::fs::remove_dir_all(base).unwrap();
    }
}
