//! The local side: which files take part, and which paths are safe to write.

use super::TreeError;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::io;
use std::path::{Component, Path, PathBuf};

/// What to do with symbolic links on the way up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// Leave them out, and say so: they may point anywhere.
    #[default]
    Skip,
    /// Upload what they point to.
    Follow,
}

/// Which names take part: all, or those that an include matches, less those that an exclude does.
///
/// Patterns are globs over the path relative to the directory or prefix; `*` does not cross a
/// slash, `**` does. A pattern without a slash is compared with the last part of the name.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

/// A pattern is not a glob.
#[derive(Debug, thiserror::Error)]
#[error("{pattern:?} is not a pattern: {reason}")]
pub struct FilterError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Filter {
    /// Parses the patterns. No include means everything.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, FilterError> {
        let some = |patterns: &[String]| (!patterns.is_empty()).then(|| set(patterns)).transpose();
        Ok(Self { include: some(include)?, exclude: set(exclude)? })
    }

    /// True if `name`, with slashes between its parts, takes part.
    pub fn takes(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.is_match(name))
            && !self.exclude.is_match(name)
    }
}

fn set(patterns: &[String]) -> Result<GlobSet, FilterError> {
    let error = |pattern: &str, error: globset::Error| FilterError {
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    };
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let anywhere = if pattern.contains('/') { "" } else { "**/" };
        let whole = format!("{anywhere}{pattern}");
        let glob = GlobBuilder::new(&whole).literal_separator(true).build();
        builder.add(glob.map_err(|failure| error(pattern, failure))?);
    }
    builder.build().map_err(|failure| error("", failure))
}

/// The path below `directory` for the part of an object key behind its prefix.
///
/// Refuses everything that could lead out of the directory or is no name of a file: empty, `.` and
/// `..` parts, a leading slash, and on Windows drives and backslashes.
pub(super) fn target(directory: &Path, key: &str) -> Result<PathBuf, TreeError> {
    let unsafe_key = || TreeError::Unsafe(key.to_owned());
    let mut path = directory.to_owned();
    for part in key.split('/') {
        let mut components = Path::new(part).components();
        let normal = match (components.next(), components.next()) {
            (Some(Component::Normal(name)), None) => name == part,
            _ => false,
        };
        if !normal || part.contains('\0') || (cfg!(windows) && part.contains(['\\', ':'])) {
            return Err(unsafe_key());
        }
        path.push(part);
    }
    Ok(path)
}

/// Makes the directories between `directory` and `target`. A symbolic link among them is refused: it
/// could lead anywhere.
pub(super) fn make_parents(directory: &Path, target: &Path) -> Result<(), TreeError> {
    let Some(parent) = target.parent() else { return Ok(()) };
    let between = parent.strip_prefix(directory).unwrap_or(Path::new(""));
    let mut path = directory.to_owned();
    for part in between {
        path.push(part);
        let error = |error| TreeError::Local { path: path.clone(), error };
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(error(io::ErrorKind::NotADirectory.into())),
            Err(_) => match std::fs::create_dir(&path) {
                // Another file of the same directory was faster.
                Err(exists) if exists.kind() == io::ErrorKind::AlreadyExists => {}
                done => done.map_err(error)?,
            },
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let own = |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        Filter::new(&own(include), &own(exclude)).unwrap()
    }

    #[test]
    fn patterns() {
        assert!(Filter::default().takes("any/thing"));
        let text = filter(&["*.txt", "docs/**"], &["**/secret*", "*.tmp"]);
        for name in ["a.txt", "deep/er/b.txt", "docs/x.png", "docs/a/b"] {
            assert!(text.takes(name), "{name}");
        }
        for name in ["a.png", "docs/secret.txt", "x/secrets/a.txt/secret", "docs/a.tmp"] {
            assert!(!text.takes(name), "{name}");
        }
        assert!(Filter::new(&["[".to_owned()], &[]).is_err());
    }

    #[test]
    fn keys_cannot_leave_the_directory() {
        let directory = Path::new("/data");
        assert_eq!(target(directory, "a/b c").unwrap(), Path::new("/data/a/b c"));
        assert_eq!(target(directory, "..a/b..").unwrap(), Path::new("/data/..a/b.."));
        let escapes =
            ["", "/", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".", "a/./b", "..", "a\0b"];
        for key in escapes {
            assert!(matches!(target(directory, key), Err(TreeError::Unsafe(_))), "{key:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_away() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-links-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("real")).unwrap();
        std::os::unix::fs::symlink("/tmp", directory.join("link")).unwrap();
        assert!(make_parents(&directory, &directory.join("real/new/file")).is_ok());
        assert!(make_parents(&directory, &directory.join("link/file")).is_err());
        std::fs::remove_dir_all(directory).unwrap();
    }
}
