//! The local side: which files take part, and which paths are safe to write.

use super::TreeError;
use crate::get::Directory;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::{Component, Path};

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

/// The names of the directories and of the file for the part of an object key behind its prefix.
///
/// Refuses everything that could lead out of a directory or is not the name of a file: empty, `.` and
/// `..` parts, a leading slash, and on Windows drives and backslashes.
pub(super) fn parts(key: &str) -> Result<(Vec<&str>, &str), TreeError> {
    let mut parts = Vec::new();
    for part in key.split('/') {
        let mut components = Path::new(part).components();
        let normal = match (components.next(), components.next()) {
            (Some(Component::Normal(name)), None) => name == part,
            _ => false,
        };
        if !normal || part.contains('\0') || (cfg!(windows) && part.contains(['\\', ':'])) {
            return Err(TreeError::Unsafe(key.to_owned()));
        }
        parts.push(part);
    }
    let name = parts.pop().ok_or_else(|| TreeError::Unsafe(key.to_owned()))?;
    Ok((parts, name))
}

/// Opens the directories below `root`, and makes those that do not exist. A symbolic link among them
/// is refused: it could lead anywhere.
pub(super) fn enter(root: &Directory, parents: &[&str]) -> Result<Directory, TreeError> {
    parents.iter().try_fold(root.clone(), |directory, name| {
        let path = directory.path.join(name);
        directory.enter(name).map_err(|error| TreeError::Local { path, error })
    })
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
        assert_eq!(parts("a/b c").unwrap(), (vec!["a"], "b c"));
        assert_eq!(parts("..a/b..").unwrap(), (vec!["..a"], "b.."));
        let escapes =
            ["", "/", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".", "a/./b", "..", "a\0b"];
        for key in escapes {
            assert!(matches!(parts(key), Err(TreeError::Unsafe(_))), "{key:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_away() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-links-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("real")).unwrap();
        std::os::unix::fs::symlink("/tmp", directory.join("link")).unwrap();
        let root = Directory::open(&directory).unwrap();
        assert_eq!(enter(&root, &["real", "new"]).unwrap().path, directory.join("real/new"));
        assert!(directory.join("real/new").is_dir());
        assert!(enter(&root, &["link"]).is_err());
        std::fs::remove_dir_all(directory).unwrap();
    }
}
