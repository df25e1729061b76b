//! The name that a download gets: what has this name already, and what may not be lost.

use super::GetError;
use super::directory::{Directory, Entry, EntryKind};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// A name in a directory that is held open.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) directory: Directory,
    pub(crate) name: OsString,
}

impl Target {
    /// The name that a path of the user's own leads to.
    pub(crate) fn of(path: &Path) -> Result<Self, GetError> {
        let failed = |error| GetError::Target { path: path.to_owned(), error };
        let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let parent = path.parent().unwrap_or(Path::new(""));
        let directory = Directory::open(parent).map_err(failed)?;
        Ok(Self { directory, name: name.to_owned() })
    }

    /// The path, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path.join(&self.name)
    }

    /// Refuses to take the place of a file, unless it is to be replaced, and of everything else: a
    /// device, a pipe or a link, once replaced, is gone for everyone who knew it. Returns the file to
    /// be replaced.
    pub(crate) fn may_take(&self, replace: bool) -> Result<Option<Entry>, GetError> {
        let Some(entry) = self.directory.entry(&self.name) else { return Ok(None) };
        let path = self.path();
        match entry.kind {
            EntryKind::Link => Err(GetError::Link(path)),
            EntryKind::Directory => Err(GetError::Directory(path)),
            EntryKind::Other => Err(GetError::NotAFile(path)),
            EntryKind::File if !replace => Err(GetError::Exists(path)),
            EntryKind::File => Ok(Some(entry)),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::{fs::symlink, net::UnixListener};

    #[test]
    fn only_files_are_replaced() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-take-{}", std::process::id()));
        fs::create_dir_all(directory.join("directory")).unwrap();
        let path = |name: &str| directory.join(name);
        fs::write(path("file"), b"old").unwrap();
        symlink(path("file"), path("link")).unwrap();
        symlink(path("nowhere"), path("dangling")).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        let take = |name: &str, replace| Target::of(&path(name)).unwrap().may_take(replace);
        assert!(take("new", false).unwrap().is_none());
        assert!(take("file", true).unwrap().is_some());
        assert!(matches!(take("file", false), Err(GetError::Exists(_))));
        for replace in [false, true] {
            let refusal = |name: &str| take(name, replace).unwrap_err();
            assert!(matches!(refusal("link"), GetError::Link(_)));
            assert!(matches!(refusal("dangling"), GetError::Link(_)));
            assert!(matches!(refusal("directory"), GetError::Directory(_)));
            assert!(matches!(refusal("socket"), GetError::NotAFile(_)));
        }
        fs::remove_dir_all(directory).unwrap();
    }
}
