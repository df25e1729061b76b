//! A key as 24 words that a person writes down and types in again (`FORMAT.md`, "Words").
//!
//! BIP-39 in English: 256 bits and 8 bits of checksum. The words say nothing of the kind of the key;
//! the fingerprint beside them does, since it is made of both. [`read`] therefore takes the words
//! with their fingerprint, or a kind that the person names.

mod diagnosis;
mod error;

pub use error::{Unconfirmed, WordsError};

use crate::key::{Fingerprint, Key, Kind};
use crate::secret::{KEY_LENGTH, Secret32, on_wiped_stack};
use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

/// Words of a key: 24.
pub const WORD_COUNT: usize = 24;

/// Longest word of the list, in letters.
const WORD_LENGTH: usize = 8;

/// The words of one key. Whoever sees them has the key.
pub struct Words(Box<Mnemonic>);

impl Words {
    /// The words of `key`.
    pub fn of(key: &Key) -> Self {
        on_wiped_stack(|| {
            let words = Mnemonic::from_entropy_in(Language::English, key.secret().bytes());
            // BIP-39 takes 32 bytes, and a key has 32.
            Self(Box::new(words.unwrap_or_else(|_| unreachable!())))
        })
    }

    /// The words in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.0.words()
    }

    /// The words in lines of `columns`, each with its number, ready to be copied by hand.
    pub fn print(&self, columns: usize) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(WORD_COUNT * (WORD_LENGTH + 8)));
        for (index, word) in self.iter().enumerate() {
            let last = (index + 1) % columns.max(1) == 0 || index + 1 == WORD_COUNT;
            let end = if last { "\n" } else { "" };
            let width = if last { 0 } else { WORD_LENGTH + 2 };
            // Writing to a String cannot fail.
            let _ =
                std::fmt::write(&mut *text, format_args!("{:2}. {word:width$}{end}", index + 1));
        }
        text
    }
}

/// What is known of a key besides its words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Its kind, if the person names it.
    pub kind: Option<Kind>,
    /// Its fingerprint, if it stands elsewhere than in the text.
    pub fingerprint: Option<Fingerprint>,
}

/// Reads a key from its words, with or without their numbers, in any case, on any number of lines;
/// the first four letters of a word are enough. The text may hold the fingerprint too; lines that
/// begin with `#` are comments.
///
/// The fingerprint tells the kind. Without it `known` has to name the kind.
pub fn read(text: &str, known: Known) -> Result<Key, WordsError> {
    let typed = Typed::parse(text)?;
    let fingerprint = match (typed.fingerprint, known.fingerprint) {
        (Some(here), Some(there)) if here != there => {
            return Err(WordsError::OtherKey { wanted: there });
        }
        (here, there) => here.or(there),
    };
    let wanted = Wanted::new(fingerprint, known.kind)?;
    if let Some(key) = typed.entropy().and_then(|secret| wanted.key(&secret)) {
        return Ok(key);
    }
    Err(diagnosis::of(&typed, &wanted))
}

/// Checks that something confirms a key that [`read`] returned for the same arguments: the fingerprint. A
/// wrong direct key opens nothing and is noticed at once; under a wrong master key objects would be written.
pub fn confirm(key: &Key, text: &str, known: Known) -> Result<(), Unconfirmed> {
    let has_fingerprint = known.fingerprint.is_some()
        || Typed::parse(text).is_ok_and(|typed| typed.fingerprint.is_some());
    match has_fingerprint || key.kind() == Kind::Direct {
        true => Ok(()),
        false => Err(Unconfirmed),
    }
}

/// The key that is looked for.
enum Wanted {
    /// Of a known fingerprint; both kinds are tried unless one was named.
    Named(Fingerprint, Option<Kind>),
    /// Of a named kind, with nothing to check it against but the words' own checksum.
    AnyOf(Kind),
}

impl Wanted {
    fn new(fingerprint: Option<Fingerprint>, kind: Option<Kind>) -> Result<Self, WordsError> {
        match (fingerprint, kind) {
            (Some(fingerprint), kind) => Ok(Wanted::Named(fingerprint, kind)),
            (None, Some(kind)) => Ok(Wanted::AnyOf(kind)),
            (None, None) => Err(WordsError::KindUnknown),
        }
    }

    fn key(&self, secret: &Secret32) -> Option<Key> {
        let kinds = match self {
            Wanted::AnyOf(kind) | Wanted::Named(_, Some(kind)) => &[*kind][..],
            Wanted::Named(_, None) => &[Kind::Master, Kind::Direct],
        };
        let mut keys = kinds.iter().filter_map(|kind| Key::from_bytes(*kind, secret.bytes()).ok());
        match self {
            Wanted::AnyOf(_) => keys.next(),
            Wanted::Named(fingerprint, _) => keys.find(|key| key.fingerprint() == *fingerprint),
        }
    }
}

/// Twenty-four words of the list, and the fingerprint if it stood with them.
struct Typed {
    /// Places in the list. They are the key.
    indices: Zeroizing<[u16; WORD_COUNT]>,
    fingerprint: Option<Fingerprint>,
}

impl Typed {
    fn parse(text: &str) -> Result<Self, WordsError> {
        let mut indices = Zeroizing::new([0; WORD_COUNT]);
        let (mut count, mut fingerprint, mut unknown) = (0, None, None);
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let tokens = lines.flat_map(|line| line.split([' ', '\t', ',', ';', '\u{3000}']));
        for token in tokens.map(|token| token.trim_end_matches(['.', ')', ':'])) {
            let token = Zeroizing::new(token.to_lowercase());
            if let Some(found) = Fingerprint::parse(&token) {
                fingerprint = Some(found);
                continue;
            }
            if is_ornament(&token) {
                continue;
            }
            match find(&token) {
                Some(index) if count < WORD_COUNT => indices[count] = index,
                Some(_) => {}
                None => {
                    unknown.get_or_insert_with(|| (count + 1, diagnosis::nearest(&token)));
                }
            }
            count += 1;
        }
        if let Some((place, nearest)) = unknown {
            let other = diagnosis::other_language(text).map(WordsError::OtherLanguage);
            return Err(other.unwrap_or(WordsError::Unknown { place, nearest }));
        }
        match count {
            WORD_COUNT => Ok(Self { indices, fingerprint }),
            _ => Err(WordsError::Count(count)),
        }
    }

    /// The 32 bytes, if the checksum in the last word fits.
    fn entropy(&self) -> Option<Secret32> {
        entropy(&self.indices)
    }
}

/// Numbers before the words, the word that stands before the fingerprint (none of the list), and
/// nothing at all.
fn is_ornament(token: &str) -> bool {
    token == "fingerprint" || token.bytes().all(|byte| byte.is_ascii_digit())
}

/// The place of a word in the list; its first four letters are enough, as no two words share them.
fn find(token: &str) -> Option<u16> {
    Language::English.find_word(token).or_else(|| {
        let mut longer = Language::English.words_by_prefix_iter(token);
        let word = longer.next().filter(|_| token.len() >= 4 && longer.next().is_none())?;
        Language::English.find_word(word)
    })
}

fn entropy(indices: &[u16; WORD_COUNT]) -> Option<Secret32> {
    let list = Language::English.word_list();
    let mut text = Zeroizing::new(String::with_capacity(WORD_COUNT * (WORD_LENGTH + 1)));
    for index in indices {
        text.push_str(list.get(usize::from(*index))?);
        text.push(' ');
    }
    Secret32::fill(|secret| {
        on_wiped_stack(|| {
            let words = Mnemonic::parse_in_normalized(Language::English, &text).map_err(drop)?;
            let (bytes, length) = words.to_entropy_array();
            let bytes = Zeroizing::new(bytes);
            match length {
                KEY_LENGTH => {
                    secret.copy_from_slice(&bytes[..KEY_LENGTH]);
                    Ok(())
                }
                _ => Err(()),
            }
        })
    })
    .ok()
}

#[cfg(test)]
mod tests;
