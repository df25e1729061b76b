//! Shares of real keys, in every choice, and what happens to bad ones.

use super::*;

fn key(kind: Kind) -> Key {
    let bytes: Vec<u8> = (0..32).collect();
    Key::from_bytes(kind, &bytes).unwrap()
}

fn shares(kind: Kind, number: u8, threshold: u8, seed: u8) -> Vec<Share> {
    let scheme = Scheme::new(number, threshold).unwrap();
    let random: Vec<u8> =
        (0..scheme.random_length()).map(|place| (place as u8).wrapping_mul(37) ^ seed).collect();
    split(&key(kind), scheme, &random).unwrap()
}

fn copies(shares: &[Share], places: &[usize]) -> Vec<Share> {
    places.iter().map(|place| Share::parse(&shares[*place].print()).unwrap()).collect()
}

#[test]
fn any_three_of_five_restore_key_and_kind() {
    for kind in [Kind::Master, Kind::Direct] {
        let all = shares(kind, 5, 3, 1);
        for first in 0..5 {
            for second in (0..5).filter(|second| *second != first) {
                for third in (0..5).filter(|third| *third != first && *third != second) {
                    let back = combine(&copies(&all, &[first, second, third])).unwrap();
                    assert_eq!(back.fingerprint(), key(kind).fingerprint());
                }
            }
        }
        assert!(combine(&all).unwrap().same_bytes(&key(kind)), "all five");
    }
}

#[test]
fn the_most_and_the_fewest() {
    for (number, threshold) in [(2, 2), (255, 255), (255, 2)] {
        let all = shares(Kind::Master, number, threshold, 7);
        assert_eq!(all.len(), usize::from(number));
        assert_eq!(all.last().unwrap().index(), number);
        let needed = &all[usize::from(number - threshold)..];
        assert!(combine(needed).unwrap().same_bytes(&key(Kind::Master)));
    }
    assert_eq!(Scheme::new(3, 1), Err(SchemeError::Copy));
    assert_eq!(Scheme::new(3, 4), Err(SchemeError::TooFew));
    assert_eq!(Scheme::new(0, 0), Err(SchemeError::Copy));
}

#[test]
fn too_few_are_refused_and_say_nothing() {
    let all = shares(Kind::Master, 5, 3, 1);
    let two = copies(&all, &[1, 4]);
    assert_eq!(combine(&two).err(), Some(CombineError::NotEnough { have: 2, needed: 3 }));
    assert_eq!(combine(&[]).err(), Some(CombineError::Nothing));
    // Two shares go with every first byte of a key: for each there is a third share that gives it.
    let forged = (0..=255_u8).filter(|third| {
        let mut shares = copies(&all, &[1, 4, 2]);
        shares[2].value[0] = *third;
        combine(&shares).is_ok()
    });
    assert_eq!(forged.count(), 1, "only the true one passes the check");
}

#[test]
fn a_share_of_another_set_is_named() {
    let (ours, theirs) = (shares(Kind::Master, 3, 2, 1), shares(Kind::Master, 3, 2, 2));
    let mixed = [copies(&ours, &[0]), copies(&theirs, &[1])].concat_shares();
    let set = theirs[0].set();
    assert_eq!(combine(&mixed).err(), Some(CombineError::OtherSet { place: 2, set }));
    let twice = copies(&ours, &[1, 1]);
    assert_eq!(combine(&twice).err(), Some(CombineError::Twice(2)));
}

trait ConcatShares {
    fn concat_shares(self) -> Vec<Share>;
}

impl ConcatShares for [Vec<Share>; 2] {
    fn concat_shares(self) -> Vec<Share> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn a_forged_share_is_noticed_by_the_result() {
    let all = shares(Kind::Direct, 3, 2, 9);
    for place in [0, 31, 32, VALUE_LENGTH - 1] {
        let mut two = copies(&all, &[0, 2]);
        two[1].value[place] ^= 1;
        assert_eq!(combine(&two).err(), Some(CombineError::NotGenuine), "byte {place}");
    }
}

#[test]
fn a_typing_error_is_noticed_and_placed() {
    let good = shares(Kind::Master, 3, 2, 1)[1].print();
    assert_eq!(good.len(), 89);
    for place in PREFIX_END..good.len() {
        let mut typed = good.to_string().into_bytes();
        typed[place] = if typed[place] == b'q' { b'p' } else { b'q' };
        let typed = String::from_utf8(typed).unwrap();
        let near = Some(place + 1);
        assert_eq!(Share::parse(&typed).err(), Some(LineError::Checksum { near }));
        let text = format!("# a comment\n\n{typed}\n");
        let error = read(&text).err().unwrap().to_string();
        let said = format!(
            "line 3 holds a share with a typing error, probably in character {}",
            place + 1
        );
        assert_eq!(error, said);
    }
}

/// Where the data of a line begins.
const PREFIX_END: usize = "s3-ssec-share1".len();

#[test]
fn people_may_space_and_shout() {
    let share = &shares(Kind::Master, 3, 2, 1)[2];
    let line = share.print();
    let grouped: Vec<&str> =
        line.as_bytes().chunks(5).map(|group| std::str::from_utf8(group).unwrap()).collect();
    for typed in [grouped.join(" "), line.to_uppercase()] {
        let back = Share::parse(&typed).unwrap();
        assert_eq!((back.set(), back.threshold(), back.index()), (share.set(), 2, 3));
        assert_eq!(back.value, share.value);
    }
}

#[test]
fn what_is_no_share_is_refused() {
    let key_line = "s3-ssec-master1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sqdm95e";
    for line in [key_line, "hello", "ä"] {
        assert_eq!(Share::parse(line).err(), Some(LineError::NotAShare), "{line}");
    }
    let encode = |bytes: &[u8]| {
        let prefix = bech32::Hrp::parse("s3-ssec-share").unwrap();
        bech32::encode::<bech32::Bech32m>(prefix, bytes).unwrap()
    };
    let mut bytes = [9; 43];
    assert!(Share::parse(&encode(&bytes)).is_ok());
    assert_eq!(Share::parse(&encode(&bytes[..42])).err(), Some(LineError::NotAShare));
    bytes[3] = 1;
    assert_eq!(Share::parse(&encode(&bytes)).err(), Some(LineError::NotAShare), "threshold 1");
    bytes[3..5].copy_from_slice(&[2, 0]);
    assert_eq!(Share::parse(&encode(&bytes)).err(), Some(LineError::NotAShare), "index 0");
    assert!(read("# nothing\n\n").unwrap().is_empty());
}

#[test]
fn splitting_takes_exactly_its_random_bytes() {
    let scheme = Scheme::new(3, 2).unwrap();
    for length in [0, 40, 42] {
        let error = split(&key(Kind::Master), scheme, &vec![1; length]).err();
        assert_eq!(error, Some(SplitError { got: length, wanted: 41 }));
    }
    assert!(split(&key(Kind::Master), scheme, &[1; 41]).is_ok());
}
