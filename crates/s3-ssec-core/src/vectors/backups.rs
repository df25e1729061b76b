//! Keys as words and as shares, both ways.

use super::formats::{KindName, bytes, key_of};
use super::{Report, same, text};
use crate::keyfile::{parse_key, print_key};
use crate::shares::{self, Scheme, Share};
use crate::words::{self, Known, Words};
use serde::Deserialize;

pub(super) fn run(report: &mut Report) {
    let file: Option<Backups> =
        report.file("backup", include_str!("../../../../tests/vectors/backup.json"));
    if let Some(Backups { words, shares, .. }) = file {
        report.cases("words", &words, WordsCase::check);
        report.cases("shares", &shares, SharesCase::check);
    }
}

/// `about` is for people.
#[derive(Deserialize)]
struct Backups {
    words: Vec<WordsCase>,
    shares: Vec<SharesCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsCase {
    kind: KindName,
    key: String,
    fingerprint: String,
    line: String,
    words: String,
}

impl WordsCase {
    fn check(&self) -> Result<(), String> {
        let key = key_of(&self.kind, &self.key)?;
        same("the line", print_key(&key).as_str(), &self.line)?;
        let printed: Vec<_> = Words::of(&key).iter().collect();
        same("the words", printed.join(" "), self.words.clone())?;
        let typed = format!("{} {}", self.words, self.fingerprint);
        for back in [
            words::read(&typed, Known::default()).map_err(text)?,
            parse_key(&self.line).map_err(text)?,
        ] {
            same("the kind", back.kind(), key.kind())?;
            same("the key", back.same_bytes(&key), true)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharesCase {
    kind: KindName,
    key: String,
    threshold: u8,
    random: String,
    shares: Vec<String>,
}

impl SharesCase {
    fn check(&self) -> Result<(), String> {
        let key = key_of(&self.kind, &self.key)?;
        let number = u8::try_from(self.shares.len()).map_err(text)?;
        let scheme = Scheme::new(number, self.threshold).map_err(text)?;
        let made = shares::split(&key, scheme, &bytes(&self.random)?).map_err(text)?;
        let lines: Vec<_> = made.iter().map(|share| share.print().to_string()).collect();
        same("the shares", &lines, &self.shares)?;
        let needed = &self.shares[self.shares.len() - usize::from(self.threshold)..];
        let read: Result<Vec<_>, _> = needed.iter().map(|line| Share::parse(line)).collect();
        let back = shares::combine(&read.map_err(text)?).map_err(text)?;
        same("the kind", back.kind(), key.kind())?;
        same("the key", back.same_bytes(&key), true)
    }
}
