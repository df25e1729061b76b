//! Why words do not give a key: the nearest word, the other language, the two that changed places.

use super::{Typed, WORD_COUNT, Wanted, WordsError, entropy};
use bip39::Language;
use zeroize::Zeroizing;

/// Words offered for one that is not in the list.
const OFFERED: usize = 3;
/// Letters that may differ in a word that is offered.
const FAR: usize = 2;

/// What is wrong with words that are all in the list.
pub(super) fn of(typed: &Typed, wanted: &Wanted) -> WordsError {
    let in_order = typed.entropy().is_some();
    match wanted {
        Wanted::AnyOf(_) => WordsError::Checksum,
        Wanted::Named(fingerprint, _) => {
            swapped(typed, wanted).or_else(|| wrong_word(typed, wanted)).unwrap_or(match in_order {
                true => WordsError::OtherKey { wanted: *fingerprint },
                false => WordsError::Checksum,
            })
        }
    }
}

/// The two words that have changed places: 276 pairs, each checked against the fingerprint.
fn swapped(typed: &Typed, wanted: &Wanted) -> Option<WordsError> {
    let pairs = (0..WORD_COUNT).flat_map(|first| (0..first).map(move |second| (second, first)));
    pairs
        .filter(|(first, second)| {
            let mut indices = Zeroizing::new(*typed.indices);
            indices.swap(*first, *second);
            is_wanted(&indices, wanted)
        })
        .map(|(first, second)| WordsError::Swapped(first + 1, second + 1))
        .next()
}

/// The one word that is another than was written down: 24 places, 2,048 words each.
fn wrong_word(typed: &Typed, wanted: &Wanted) -> Option<WordsError> {
    let fits = |place: &usize| {
        let mut indices = Zeroizing::new(*typed.indices);
        (0..2048).any(|index| {
            indices[*place] = index;
            is_wanted(&indices, wanted)
        })
    };
    (0..WORD_COUNT).find(fits).map(|place| WordsError::WrongWord(place + 1))
}

fn is_wanted(indices: &[u16; WORD_COUNT], wanted: &Wanted) -> bool {
    entropy(indices).is_some_and(|secret| wanted.key(&secret).is_some())
}

/// The words of the list that are most like `token`, at most [`OFFERED`] of them.
pub(super) fn nearest(token: &str) -> Vec<&'static str> {
    // No word has more than eight letters, and what is long takes long to compare.
    if token.chars().count() > 8 + FAR {
        return Vec::new();
    }
    let list = Language::English.word_list().iter();
    let distances = list.map(|word| (strsim::osa_distance(token, word), *word));
    let mut near: Vec<_> = distances.filter(|(distance, _)| *distance <= FAR).collect();
    near.sort_by_key(|(distance, _)| *distance);
    let least = near.first().map(|(distance, _)| *distance);
    let best = near.into_iter().take_while(|(distance, _)| Some(*distance) == least);
    best.map(|(_, word)| word).take(OFFERED).collect()
}

/// The language whose list has most of the words, if it has more of them than the English one.
#[cfg(feature = "languages")]
pub(super) fn other_language(text: &str) -> Option<&'static str> {
    use bip39::Mnemonic;
    use std::borrow::Cow;
    let mut text = Cow::Owned(text.to_lowercase());
    Mnemonic::normalize_utf8_cow(&mut text);
    let text = Zeroizing::new(text.into_owned());
    let known = |language: Language| {
        text.split_whitespace().filter(|word| language.find_word(word).is_some()).count()
    };
    let english = known(Language::English);
    let others = Language::ALL.iter().filter(|language| **language != Language::English);
    let (count, language) =
        others.map(|language| (known(*language), *language)).max_by_key(|(count, _)| *count)?;
    (count > english && count >= WORD_COUNT / 2).then(|| name(language))
}

/// Without the other lists their words are only unknown.
#[cfg(not(feature = "languages"))]
pub(super) fn other_language(_: &str) -> Option<&'static str> {
    None
}

#[cfg(feature = "languages")]
fn name(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::SimplifiedChinese => "simplified Chinese",
        Language::TraditionalChinese => "traditional Chinese",
        Language::Czech => "Czech",
        Language::French => "French",
        Language::Italian => "Italian",
        Language::Japanese => "Japanese",
        Language::Korean => "Korean",
        Language::Portuguese => "Portuguese",
        Language::Spanish => "Spanish",
    }
}
