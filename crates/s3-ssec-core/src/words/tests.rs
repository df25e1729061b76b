//! Words as people type them, well and badly.

use super::*;

const PLACES: [usize; 4] = [0, 1, 22, 23];

fn key(kind: Kind) -> Key {
    let bytes: Vec<u8> = (0..32).collect();
    Key::from_bytes(kind, &bytes).unwrap()
}

fn words(kind: Kind) -> Vec<String> {
    Words::of(&key(kind)).iter().map(str::to_owned).collect()
}

fn of_kind(kind: Kind) -> Known {
    Known { kind: Some(kind), fingerprint: None }
}

fn of_fingerprint(kind: Kind) -> Known {
    Known { kind: None, fingerprint: Some(key(kind).fingerprint()) }
}

#[track_caller]
fn error(text: &str, known: Known) -> WordsError {
    read(text, known).err().unwrap()
}

#[test]
fn the_fingerprint_tells_the_kind() {
    for kind in [Kind::Master, Kind::Direct] {
        let text = words(kind).join(" ");
        for known in [of_kind(kind), of_fingerprint(kind)] {
            let back = read(&text, known).unwrap();
            assert_eq!(back.fingerprint(), key(kind).fingerprint());
        }
        let beside = format!("{text}\nfingerprint {}\n", key(kind).fingerprint());
        assert_eq!(read(&beside, Known::default()).unwrap().kind(), kind);
        assert_eq!(error(&text, Known::default()), WordsError::KindUnknown);
    }
    let text = words(Kind::Master).join(" ");
    let wanted = key(Kind::Direct).fingerprint();
    let both = Known { kind: Some(Kind::Master), fingerprint: Some(wanted) };
    assert_eq!(error(&text, both), WordsError::OtherKey { wanted });
    let beside = format!("{text} {}", key(Kind::Master).fingerprint());
    assert_eq!(error(&beside, of_fingerprint(Kind::Direct)), WordsError::OtherKey { wanted });
}

#[test]
fn a_master_key_is_confirmed_by_its_fingerprint() {
    let confirmed = |text: &str, known| confirm(&read(text, known).unwrap(), text, known);
    for kind in [Kind::Master, Kind::Direct] {
        let text = words(kind).join(" ");
        assert_eq!(confirmed(&text, of_fingerprint(kind)), Ok(()));
        let beside = format!("{text}\nfingerprint {}\n", key(kind).fingerprint());
        assert_eq!(confirmed(&beside, Known::default()), Ok(()));
    }
    let text = words(Kind::Master).join(" ");
    assert_eq!(confirmed(&text, of_kind(Kind::Master)), Err(Unconfirmed));
    assert_eq!(confirmed(&text, of_kind(Kind::Direct)), Ok(()));
}

#[test]
fn people_may_number_shout_shorten_and_wrap() {
    let words = words(Kind::Master);
    let short = words.iter().map(|word| word.get(..4).unwrap_or(word));
    let texts = [
        Words::of(&key(Kind::Master)).print(4).to_string(),
        words.join("\n").to_uppercase(),
        short.collect::<Vec<_>>().join(", "),
        format!("# the key of the laboratory\n{}", words.join("\r\n")),
    ];
    for text in texts {
        let back = read(&text, of_fingerprint(Kind::Master)).unwrap();
        assert!(back.same_bytes(&key(Kind::Master)), "{text}");
    }
}

#[test]
fn a_typing_error_is_named_and_a_word_offered() {
    let good = words(Kind::Master);
    for place in PLACES {
        let mut typed = good.clone();
        typed[place].push('x');
        let WordsError::Unknown { place: named, nearest } =
            error(&typed.join(" "), of_kind(Kind::Master))
        else {
            panic!("word {place} is unknown")
        };
        assert_eq!(named, place + 1);
        assert!(nearest.contains(&good[place].as_str()), "{nearest:?}");
    }
    let mut typed = good;
    typed[4] = "xxxxxxxx".to_owned();
    let unknown = error(&typed.join(" "), of_kind(Kind::Master));
    assert_eq!(unknown.to_string(), "word 5 is not in the list");
}

#[test]
fn what_is_offered_reads_well() {
    let offered = |nearest: &[&'static str]| {
        WordsError::Unknown { place: 7, nearest: nearest.to_vec() }.to_string()
    };
    assert_eq!(offered(&["able"]), "word 7 is not in the list: is it able?");
    let three = offered(&["able", "cable", "table"]);
    assert_eq!(three, "word 7 is not in the list: is it able, cable or table?");
}

#[test]
fn words_in_the_wrong_order_are_noticed() {
    let mut typed = words(Kind::Master);
    typed.swap(2, 9);
    let text = typed.join(" ");
    assert_eq!(error(&text, of_kind(Kind::Master)), WordsError::Checksum);
    assert_eq!(error(&text, of_fingerprint(Kind::Master)), WordsError::Swapped(3, 10));
    typed.rotate_left(1);
    assert_eq!(error(&typed.join(" "), of_fingerprint(Kind::Master)), WordsError::Checksum);
}

#[test]
fn a_wrong_word_of_the_list_is_found_by_the_fingerprint() {
    let mut typed = words(Kind::Direct);
    typed[6] = "zoo".to_owned();
    assert_eq!(error(&typed.join(" "), of_kind(Kind::Direct)), WordsError::Checksum);
    assert_eq!(error(&typed.join(" "), of_fingerprint(Kind::Direct)), WordsError::WrongWord(7));
}

#[test]
fn a_key_has_24_words() {
    let words = words(Kind::Master);
    let known = of_kind(Kind::Master);
    assert_eq!(error(&words[..23].join(" "), known), WordsError::Count(23));
    assert_eq!(error(&format!("{} zoo", words.join(" ")), known), WordsError::Count(25));
    assert_eq!(error("", known), WordsError::Count(0));
    // The key that would be twelve words somewhere else.
    let twelve = "abandon ".repeat(11) + "about";
    assert_eq!(error(&twelve, known), WordsError::Count(12));
}

#[cfg(feature = "languages")]
#[test]
fn another_language_is_named() {
    let bytes: Vec<u8> = (0..32).collect();
    for language in Language::ALL.iter().filter(|other| **other != Language::English) {
        let words = Mnemonic::from_entropy_in(*language, &bytes).unwrap().to_string();
        let WordsError::OtherLanguage(named) = error(&words, of_kind(Kind::Master)) else {
            panic!("{language} is another language")
        };
        let spaced = format!("{language:?}").to_lowercase().replace("chinese", " chinese");
        assert_eq!(named.to_lowercase(), spaced.trim());
    }
    // As a keyboard gives it: composed characters, capital letters.
    let spanish = "Ábaco ".repeat(24);
    assert_eq!(error(&spanish, of_kind(Kind::Master)), WordsError::OtherLanguage("Spanish"));
}
