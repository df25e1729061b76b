//! What can be wrong with words that somebody typed.

use crate::key::Fingerprint;

/// The words do not give a key. The texts name places and offer words of the list; they repeat
/// nothing that was typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// A word that is not in the list.
    #[error("word {place} is not in the list{}", offer(nearest))]
    Unknown {
        /// Counted from 1.
        place: usize,
        /// Words of the list that are nearly the same; may be none.
        nearest: Vec<&'static str>,
    },
    /// Words of another language's list.
    #[error("these are words of the list in {0}, and words of s3-ssec are English")]
    OtherLanguage(&'static str),
    /// Not 24 words.
    #[error("these are {0} words, and a key has 24")]
    Count(usize),
    /// The checksum does not match.
    #[error("the words do not belong together: one of them is wrong, or two have changed places")]
    Checksum,
    /// With these two exchanged they are the key of the fingerprint.
    #[error("the words {0} and {1} have changed places")]
    Swapped(usize, usize),
    /// With another word here they would be the key of the fingerprint.
    #[error("word {0} is in the list, but it is not the one that was written down")]
    WrongWord(usize),
    /// The words are in order, but of another key than the fingerprint says.
    #[error("the words are not those of the key {wanted}")]
    OtherKey {
        /// The fingerprint that was given.
        wanted: Fingerprint,
    },
    /// Neither fingerprint nor kind are known.
    #[error("words do not say whether they are a master key or a direct key")]
    KindUnknown,
}

/// No fingerprint was compared with the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no fingerprint confirms that these words are the master key you look for")]
pub struct Unconfirmed;

fn offer(nearest: &[&str]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!(": is it {one}?"),
        [most @ .., last] => format!(": is it {} or {last}?", most.join(", ")),
    }
}
