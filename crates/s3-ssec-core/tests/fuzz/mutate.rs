//! Inputs made of other inputs.

use fastrand::Rng;

/// Bytes of the longest input that is made.
const LONGEST: usize = 4096;
/// Bytes that mean something to one parser or another.
const BYTES: &[u8] = b"\0\t\n\r \"#%&'()*+,-./0189:;<=>?@AZ[\\]_`az{|}~\x7f\x80\xc3\xe2\xff";
const NUMBERS: [&str; 9] = [
    "0",
    "-1",
    "00",
    "65536",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "1e99",
    "",
];

pub(crate) struct Mutator {
    rng: Rng,
    dictionary: &'static [&'static str],
}

impl Mutator {
    /// The same seed makes the same inputs of the same corpus.
    pub(crate) fn new(seed: u64, dictionary: &'static [&'static str]) -> Self {
        Self { rng: Rng::with_seed(seed), dictionary }
    }

    pub(crate) fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.rng.choice(corpus).unwrap().clone();
        // Mostly little: what is changed in many places fails at the first.
        for _ in 0..1 << self.rng.usize(0..4) {
            self.change(&mut input, corpus);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let (at, end) = self.range(input.len());
        match self.rng.u8(0..12) {
            0 if !input.is_empty() => {
                let bit = self.rng.usize(0..input.len() * 8);
                input[bit / 8] ^= 1 << (bit % 8);
            }
            1 => input.insert(at, *self.rng.choice(BYTES).unwrap()),
            2 if !input.is_empty() => {
                let at = self.rng.usize(0..input.len());
                input[at] = *self.rng.choice(BYTES).unwrap();
            }
            3 => drop(input.drain(at..end)),
            4 => input.truncate(at),
            5 => {
                let copy = input[at..end].to_vec();
                let to = self.rng.usize(0..=input.len());
                replace(input, to, to, &copy);
            }
            6 => {
                let other = self.rng.choice(corpus).unwrap();
                let (from, to) = self.range(other.len());
                replace(input, at, end, &other[from..to]);
            }
            7 => self.number(input),
            8 => self.repeat(input, at),
            9 => self.swap_lines(input),
            _ => {
                let word = self.rng.choice(self.dictionary).copied().unwrap_or_default();
                let end = if self.rng.bool() { at } else { end };
                replace(input, at, end, word.as_bytes());
            }
        }
    }

    /// A place and an end that is not far from it.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let at = self.rng.usize(0..=length);
        (at, length.min(at + self.rng.usize(0..24)))
    }

    fn number(&mut self, input: &mut Vec<u8>) {
        let digits: Vec<_> = (0..input.len()).filter(|&at| input[at].is_ascii_digit()).collect();
        if let Some(&at) = self.rng.choice(&digits) {
            let rest = input[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = self.rng.choice(NUMBERS).unwrap();
            replace(input, at, at + rest, number.as_bytes());
        }
    }

    /// Deep nesting and long runs.
    fn repeat(&mut self, input: &mut Vec<u8>, at: usize) {
        let word = match self.rng.choice(self.dictionary) {
            Some(word) if self.rng.bool() => word.as_bytes(),
            _ => std::slice::from_ref(self.rng.choice(BYTES).unwrap()),
        };
        replace(input, at, at, &word.repeat(1 << self.rng.usize(1..9)));
    }

    fn swap_lines(&mut self, input: &mut Vec<u8>) {
        let mut lines: Vec<_> = input.split_inclusive(|&byte| byte == b'\n').collect();
        let (one, other) = (self.rng.usize(0..=lines.len()), self.rng.usize(0..=lines.len()));
        if one < lines.len() && other < lines.len() {
            lines.swap(one, other);
        }
        *input = lines.concat();
    }
}

fn replace(input: &mut Vec<u8>, from: usize, to: usize, with: &[u8]) {
    drop(input.splice(from..to, with.iter().copied()));
}
