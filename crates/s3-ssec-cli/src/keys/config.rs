//! `config.toml`: which key file is for which bucket or prefix (`s3_ssec::core::rules`).

use super::need::Need;
use super::scope::Waiting;
use super::{KeySource, NAME_A_KEY, file, typed};
use crate::report::{About as _, Exit, Failure};
use crate::text::without_keys;
use s3_ssec::LimitedFile;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::S3Address;
use s3_ssec::core::rules::{self, Rule};
use std::io::{self, Read as _};
use std::path::PathBuf;

/// Bytes of the largest file that is read.
const CONFIG_MAX: u64 = 1 << 20;

/// The rules of one file.
pub(super) struct Config {
    path: PathBuf,
    rules: Vec<Rule>,
}

impl Config {
    /// The file of this person; `None` if there is none.
    pub(super) fn read() -> Result<Option<Self>, Failure> {
        let Some(path) = path() else { return Ok(None) };
        let unreadable = |error: io::Error| {
            let what = format!("{} cannot be read: {error}", path.display());
            let todo = "Check it, or name your key file with --key-file FILE.";
            Failure::new(Exit::Usage, what, todo)
        };
        let file = match LimitedFile::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(unreadable(io::Error::other("it is not a regular file")));
        }
        file::check_writers(&format!("the config file {}", path.display()), &path, &metadata)?;
        let mut text = String::new();
        file.take(CONFIG_MAX).read_to_string(&mut text).map_err(unreadable)?;
        let rules = rules::parse(&text).map_err(|error| {
            // Somebody may have written a key where its file belongs.
            let what = format!("{} {}", path.display(), without_keys(&error.to_string()));
            let todo = "A rule is [[keys]], for = \"s3://bucket/prefix/\", file = \"FILE\"; no two \
                        are for the same object.";
            Failure::new(Exit::Usage, what, todo)
        })?;
        Ok(Some(Self { path, rules }))
    }

    /// The keys for these places: the key that writes is that of the place that is written, and all
    /// keys of the places that are read read.
    pub(super) fn keys(&self, need: &Need) -> Result<Waiting, Failure> {
        let mut wanted: Vec<&Rule> = Vec::new();
        if let Some(place) = &need.writes {
            wanted.push(self.writer(place)?);
        }
        for place in &need.reads {
            wanted.extend(self.rules.iter().filter(|rule| rule.touches(place)));
        }
        let require_master = wanted.iter().any(|rule| rule.require_master);
        let mut files: Vec<PathBuf> = Vec::new();
        for rule in wanted {
            let file = self.file(rule)?;
            if !files.contains(&file) {
                files.push(file);
            }
        }
        let mut all: Option<Keyring> = None;
        for file in &files {
            let keys = super::ring(KeySource::File(file.clone()))?;
            all = Some(match all {
                None => keys,
                Some(before) => before.join(keys).about(&file.display())?,
            });
        }
        let all = all.ok_or_else(|| self.nothing_for(need.places().next()))?;
        Ok(Waiting::new(all, files.into_iter().next()).requiring_master(require_master))
    }

    /// The keys that rules name for what is read there; `None` where no rule is for it.
    pub(super) fn keys_if_any(&self, need: &Need) -> Result<Option<Keyring>, Failure> {
        let touched = |rule: &Rule| need.places().any(|place| rule.touches(place));
        match self.rules.iter().any(touched) {
            true => self.keys(need).map(|waiting| Some(waiting.anywhere().keys)),
            false => Ok(None),
        }
    }

    /// The rule for all of a place.
    fn writer(&self, place: &S3Address) -> Result<&Rule, Failure> {
        let mut touching = self.rules.iter().filter(|rule| rule.touches(place));
        match touching.next() {
            Some(rule) if rule.holds(place) => Ok(rule),
            None => Err(self.nothing_for(Some(place))),
            Some(rule) => {
                let what = format!(
                    "{} line {} is for a part of {place} only, so that no key is for all of it",
                    self.path.display(),
                    rule.line
                );
                let todo = "Upload the parts one by one, or name the key with --key-file FILE.";
                Err(Failure::new(Exit::Usage, what, todo))
            }
        }
    }

    /// `~/` is the home, and a relative path is relative to the config file.
    fn file(&self, rule: &Rule) -> Result<PathBuf, Failure> {
        typed::refuse(&format!("{} line {}", self.path.display(), rule.line), rule.file.as_ref())?;
        let Some(below_home) = rule.file.strip_prefix("~/") else {
            return Ok(self.path.with_file_name(&rule.file));
        };
        home().map(|home| home.join(below_home)).ok_or_else(|| {
            let what = format!("{} line {}: HOME is not set", self.path.display(), rule.line);
            Failure::new(Exit::Key, what, "Name the key file by its whole path.")
        })
    }

    fn nothing_for(&self, place: Option<&S3Address>) -> Failure {
        let what = match place {
            Some(place) => {
                format!("no key is given, and {} has no rule for {place}", self.path.display())
            }
            None => "no key is given".to_owned(),
        };
        Failure::new(Exit::Key, what, NAME_A_KEY)
    }
}

fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn home() -> Option<PathBuf> {
    absolute("HOME")
}

/// `$XDG_CONFIG_HOME/s3-ssec/config.toml`, or that in `~/.config`.
fn path() -> Option<PathBuf> {
    let config = absolute("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config")))?;
    Some(config.join("s3-ssec/config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(rules: &[(&str, &str)]) -> Config {
        let rule = |(index, (place, file)): (usize, &(&str, &str))| Rule {
            place: S3Address::parse(place).unwrap(),
            file: (*file).to_owned(),
            require_master: false,
            line: index + 1,
        };
        Config {
            path: "/etc/x/config.toml".into(),
            rules: rules.iter().enumerate().map(rule).collect(),
        }
    }

    #[test]
    fn a_write_needs_one_rule_for_all_of_it() {
        let config = config(&[("s3://abc/a/", "a"), ("s3://abc/b/", "b"), ("s3://abd", "c")]);
        let writer = |place| {
            let place = S3Address::parse(place).unwrap();
            config.writer(&place).map(|rule| rule.line).map_err(|failure| failure.exit)
        };
        assert_eq!(writer("s3://abc/a/x"), Ok(1));
        assert_eq!(writer("s3://abc/b/"), Ok(2));
        assert_eq!(writer("s3://abd/x"), Ok(3));
        assert_eq!(writer("s3://abc/"), Err(Exit::Usage));
        assert_eq!(writer("s3://abc/a"), Err(Exit::Key));
        assert_eq!(writer("s3://abc/c"), Err(Exit::Key));
        assert_eq!(writer("s3://abe/"), Err(Exit::Key));
    }

    #[test]
    fn files_are_found_from_the_config_file() {
        let config = config(&[("s3://abc", "/k/a"), ("s3://abd", "k/b"), ("s3://abe", "../c")]);
        let file = |index: usize| config.file(&config.rules[index]).ok().unwrap();
        assert_eq!(file(0), PathBuf::from("/k/a"));
        assert_eq!(file(1), PathBuf::from("/etc/x/k/b"));
        assert_eq!(file(2), PathBuf::from("/etc/x/../c"));
    }
}
