//! The name that a download gets: what stands there already, and what may not be lost.

use super::GetError;
use std::path::Path;

/// Refuses to take the place of a file, unless it is to be replaced, and of whatever is none: a
/// device, a pipe or a link, once replaced, is gone for everybody who knew it.
pub(crate) fn may_take(target: &Path, replace: bool) -> Result<(), GetError> {
    let Ok(found) = target.symlink_metadata() else { return Ok(()) };
    let (kind, path) = (found.file_type(), target.to_owned());
    match () {
        () if kind.is_symlink() => Err(GetError::Link(path)),
        () if kind.is_dir() => Err(GetError::Directory(path)),
        () if !kind.is_file() => Err(GetError::NotAFile(path)),
        () if !replace => Err(GetError::Exists(path)),
        () => Ok(()),
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
        assert!(may_take(&path("new"), false).is_ok());
        assert!(may_take(&path("file"), true).is_ok());
        assert!(matches!(may_take(&path("file"), false), Err(GetError::Exists(_))));
        for replace in [false, true] {
            let refusal = |name: &str| may_take(&path(name), replace).unwrap_err();
            assert!(matches!(refusal("link"), GetError::Link(_)));
            assert!(matches!(refusal("dangling"), GetError::Link(_)));
            assert!(matches!(refusal("directory"), GetError::Directory(_)));
            assert!(matches!(refusal("socket"), GetError::NotAFile(_)));
        }
        fs::remove_dir_all(directory).unwrap();
    }
}
