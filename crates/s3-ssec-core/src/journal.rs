//! The journal of an upload or download that may have to go on after a crash. No IO: lines in, a
//! state out.
//!
//! A journal holds no secret: names, a nonce, and hashes that show nothing about a content without the
//! key ([`keyed`]). It is comfort only: losing it loses time, never data.
//!
//! One JSON object a line, appended and synchronised before the step it announces is taken. The last
//! line may be cut short by a crash, and is then as if it had never been written.

pub mod merge;
pub mod work;

use crate::derive::Nonce;
use crate::digest::{ContentHasher, ContentKey};
use crate::key::Fingerprint;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an upload is of, and where it goes: the first line, before Create is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadBegun {
    /// The gateway.
    pub endpoint: String,
    /// The object, as `s3://bucket/key`.
    pub object: String,
    /// The file, as it was named.
    pub source: String,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes in every part but the last.
    pub part_size: u64,
    /// The fingerprint of the key it is under.
    pub key: String,
    /// The nonce of the object version, as in its record.
    pub nonce: String,
}

/// A line of an upload's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UploadLine {
    /// About to create the upload.
    Begun(UploadBegun),
    /// Created, its key proved by the echo.
    Created {
        /// The upload ID.
        upload_id: String,
    },
    /// About to send a part with this content.
    Sending {
        /// Part number, from 1.
        part: u16,
        /// A hash of its plaintext, lower-case hex: on disk that of [`keyed`]; of a part that is signed
        /// in chunks the SHA-256 of their SHA-256s, one after another.
        sha256: String,
    },
    /// The gateway holds the part.
    Stored {
        /// Part number, from 1.
        part: u16,
        /// Its ETag without quotes; on disk that of [`keyed`], as it is a hash of the plaintext.
        etag: String,
    },
    /// About to complete the upload. Journals of this form do not say of what content.
    Completing,
    /// About to complete the upload.
    CompletingAs {
        /// The complete record of the object. Its digest is masked and says nothing without the key.
        record: String,
    },
}

/// What is known of an upload that broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadJournal {
    /// What it is of.
    pub begun: UploadBegun,
    /// Its upload ID; `None` if it broke off around Create.
    pub upload_id: Option<String>,
    /// The content of each part of which bytes may have left, by number.
    pub sent: BTreeMap<u16, String>,
    /// The ETag of each part the gateway confirmed, by number, as it was noted.
    pub stored: BTreeMap<u16, String>,
    /// Complete may have been sent.
    pub completing: bool,
    /// The complete record that was made before that: the writer's own evidence of the content.
    pub record: Option<String>,
}

impl UploadJournal {
    /// Reads a journal. `None` if not even the first line is whole, or a line makes no sense: such
    /// an upload is not continued.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = whole_lines(text);
        let UploadLine::Begun(begun) = serde_json::from_str(lines.next()?).ok()? else {
            return None;
        };
        let (sent, stored) = (BTreeMap::new(), BTreeMap::new());
        let mut journal =
            Self { begun, upload_id: None, sent, stored, completing: false, record: None };
        for line in lines {
            journal.take(serde_json::from_str(line).ok()?)?;
        }
        Some(journal)
    }

    fn take(&mut self, line: UploadLine) -> Option<()> {
        match line {
            UploadLine::Created { upload_id } if self.upload_id.is_none() => {
                self.upload_id = Some(upload_id);
            }
            UploadLine::Sending { part, sha256 } if self.upload_id.is_some() => {
                // A part is only ever sent again with the same bytes.
                let before = self.sent.insert(part, sha256.clone());
                if before.is_some_and(|before| before != sha256) {
                    return None;
                }
            }
            UploadLine::Stored { part, etag } if self.sent.contains_key(&part) => {
                self.stored.insert(part, etag);
            }
            UploadLine::Completing => self.completing = true,
            UploadLine::CompletingAs { record } => {
                (self.completing, self.record) = (true, Some(record));
            }
            _ => return None,
        }
        Some(())
    }

    /// The nonce, if it is one.
    pub fn nonce(&self) -> Option<Nonce> {
        Nonce::parse(&self.begun.nonce)
    }

    /// The fingerprint of the key, if it is one.
    pub fn key(&self) -> Option<Fingerprint> {
        Fingerprint::parse(&self.begun.key)
    }
}

/// What a download is of, and where it goes: the first line of its journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadBegun {
    /// The gateway.
    pub endpoint: String,
    /// The object, as `s3://bucket/key`.
    pub object: String,
    /// Stands for its ETag: another one is another object. Keyed or salted, as an ETag may be a hash of
    /// the plaintext.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes in every span but the last.
    pub span: u64,
    /// The file without its final name, that holds what has arrived.
    pub partial: String,
}

/// A line of a download's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DownloadLine {
    /// About to begin.
    Begun(DownloadBegun),
    /// These spans are in the file, and the file is synchronised.
    Here {
        /// Indices of spans, from 0.
        spans: Vec<u64>,
    },
}

/// What is known of a download that broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadJournal {
    /// What it is of.
    pub begun: DownloadBegun,
    /// Indices of the spans that are in the file.
    pub here: BTreeSet<u64>,
}

impl DownloadJournal {
    /// Reads a journal; `None` if it makes no sense.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = whole_lines(text);
        let DownloadLine::Begun(begun) = serde_json::from_str(lines.next()?).ok()? else {
            return None;
        };
        let mut here = BTreeSet::new();
        for line in lines {
            match serde_json::from_str(line).ok()? {
                DownloadLine::Here { spans } => here.extend(spans),
                DownloadLine::Begun(_) => return None,
            }
        }
        Some(Self { begun, here })
    }
}

/// A hash for a journal, in the place of `hash`: it is compared with others of the same key, and says
/// nothing about a guessed content to those who read the disk without the key.
pub fn keyed(key: &ContentKey, hash: &str) -> String {
    let mut hasher = ContentHasher::new(key);
    hasher.update(b"s3-ssec/v1/journal\0");
    hasher.update(hash.as_bytes());
    base16ct::lower::encode_string(hasher.finish().bytes())
}

/// A line as it goes into the file.
pub fn print<T: Serialize>(line: &T) -> String {
    // Strings, numbers and lists of them: nothing that JSON cannot say.
    serde_json::to_string(line).map(|text| text + "\n").unwrap_or_default()
}

/// The lines that were written to their end.
fn whole_lines(text: &str) -> impl Iterator<Item = &str> {
    let end = text.rfind('\n').map_or(0, |end| end + 1);
    text[..end].lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> UploadLine {
        UploadLine::Begun(UploadBegun {
            endpoint: "https://gateway".to_owned(),
            object: "s3://bucket/key".to_owned(),
            source: "/data/a \"b\"\n".to_owned(),
            size: 100,
            part_size: 40,
            key: "4816dfc85c4eac7b".to_owned(),
            nonce: "6b043d805a".to_owned(),
        })
    }

    fn lines() -> Vec<UploadLine> {
        let sending = |part, hash: &str| UploadLine::Sending { part, sha256: hash.to_owned() };
        let stored = |part| UploadLine::Stored { part, etag: format!("etag-{part}") };
        let created = UploadLine::Created { upload_id: "2~abc".to_owned() };
        vec![
            begun(),
            created,
            sending(1, "aa"),
            sending(2, "bb"),
            stored(2),
            sending(1, "aa"),
            stored(1),
            UploadLine::Completing,
        ]
    }

    #[test]
    fn a_journal_cut_anywhere_tells_what_was_certain() {
        let lines = lines();
        let text: String = lines.iter().map(print).collect();
        for cut in 0..=text.len() {
            let whole = text[..cut].matches('\n').count();
            let journal = UploadJournal::parse(&text[..cut]);
            let Some(journal) = journal else {
                assert_eq!(whole, 0, "{cut}");
                continue;
            };
            assert_eq!(journal.upload_id.is_some(), whole >= 2);
            assert_eq!(journal.sent.len(), whole.saturating_sub(2).min(2));
            assert_eq!(journal.stored.len(), usize::from(whole >= 5) + usize::from(whole >= 7));
            assert_eq!(journal.completing, whole >= 8);
            assert_eq!(journal.nonce(), Nonce::parse("6b043d805a"));
        }
    }

    #[test]
    fn a_journal_keeps_the_record_of_its_content() {
        let text = |line| [&begun(), &line].map(print).concat();
        let journal = UploadJournal::parse(&text(UploadLine::Completing)).unwrap();
        assert_eq!((journal.completing, journal.record), (true, None));
        let line = UploadLine::CompletingAs { record: "v1.m".to_owned() };
        let journal = UploadJournal::parse(&text(line)).unwrap();
        assert_eq!((journal.completing, journal.record.as_deref()), (true, Some("v1.m")));
    }

    #[test]
    fn what_makes_no_sense_is_not_continued() {
        let text = |lines: &[UploadLine]| lines.iter().map(print).collect::<String>();
        let lines = lines();
        let other = UploadLine::Sending { part: 1, sha256: "cc".to_owned() };
        let refused = [
            text(&lines[1..]),
            text(&[lines[0].clone(), lines[2].clone()]),
            text(&[lines[0].clone(), lines[1].clone(), lines[4].clone()]),
            text(&[lines[0].clone(), lines[1].clone(), lines[1].clone()]),
            text(&[&lines[..4], &[other]].concat()),
            format!("{}hello\n", text(&lines[..3])),
        ];
        for journal in refused {
            assert_eq!(UploadJournal::parse(&journal), None, "{journal}");
        }
    }

    #[test]
    fn noted_hashes_depend_on_the_key() {
        let key = |byte| ContentKey::from_bytes(&[byte; 32]).unwrap();
        assert_eq!(keyed(&key(1), "aa"), keyed(&key(1), "aa"));
        assert_ne!(keyed(&key(1), "aa"), keyed(&key(2), "aa"));
        assert_ne!(keyed(&key(1), "aa"), keyed(&key(1), "ab"));
    }

    #[test]
    fn downloads_collect_their_spans() {
        let begun = DownloadLine::Begun(DownloadBegun {
            endpoint: "https://gateway".to_owned(),
            object: "s3://bucket/key".to_owned(),
            etag: "e".to_owned(),
            size: 100,
            span: 10,
            partial: "/data/.x".to_owned(),
        });
        let here = |spans: &[u64]| DownloadLine::Here { spans: spans.to_vec() };
        let lines = [begun, here(&[3, 0]), here(&[1]), here(&[9])];
        let text: String = lines.iter().map(print).collect();
        let journal = DownloadJournal::parse(&text[..text.len() - 1]).unwrap();
        assert_eq!(journal.here, BTreeSet::from([0, 1, 3]));
    }
}
