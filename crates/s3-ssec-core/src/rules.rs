//! Which key file is for which bucket or prefix: the text of a config file.
//!
//! ```text
//! [[keys]]
//! for = "s3://research-data"
//! file = "~/keys/lab.key"
//! require-master = true
//! ```
//!
//! Every object has one rule or none. Two rules that could be for one object are an error, whichever
//! comes first: nobody has to know an order to know a key.

use crate::names::S3Address;
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The bucket or prefix.
    pub place: S3Address,
    /// The key file, as it was written: not empty.
    pub file: String,
    /// Refuse objects there that are not under a master key.
    pub require_master: bool,
    /// Where it begins, counted from 1.
    pub line: usize,
}

/// What is wrong with a config file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {problem}")]
pub struct RulesError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not TOML, or a field that is not known. The text is the parser's and may quote the file.
    #[error("cannot be understood: {0}")]
    Syntax(String),
    /// Not of the form `s3://bucket/prefix/`.
    #[error("is for something that is not an address of the form s3://bucket/prefix/")]
    Address,
    /// Nothing where a file should be.
    #[error("names no file")]
    NoFile,
    /// Another rule is for some of the same objects.
    #[error("is for {place}, and line {other_line} is for {other_place}")]
    Overlap {
        /// The place of this line.
        place: S3Address,
        /// Where the other rule stands.
        other_line: usize,
        /// What that is for.
        other_place: S3Address,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    r#for: Spanned<String>,
    file: Spanned<String>,
    #[serde(default, rename = "require-master")]
    require_master: bool,
}

impl Rule {
    /// True if it is for the object, or for something below the prefix.
    pub fn touches(&self, place: &S3Address) -> bool {
        self.holds(place) || place.is_prefix() && holds(place, &self.place)
    }

    /// True if it is for all of the place.
    pub fn holds(&self, place: &S3Address) -> bool {
        holds(&self.place, place)
    }

    fn overlaps(&self, other: &S3Address) -> bool {
        self.holds(other) || holds(other, &self.place)
    }
}

fn holds(outer: &S3Address, inner: &S3Address) -> bool {
    outer.bucket == inner.bucket && outer.holds(&inner.path)
}

/// Reads all rules, in their order.
pub fn parse(text: &str) -> Result<Vec<Rule>, RulesError> {
    let line = |span: Range<usize>| {
        let before = text.as_bytes().get(..span.start).unwrap_or_default();
        before.iter().filter(|&&byte| byte == b'\n').count() + 1
    };
    let parsed: Text = toml::from_str(text).map_err(|error| RulesError {
        line: error.span().map_or(1, line),
        problem: Problem::Syntax(error.message().replace('\n', " ")),
    })?;
    let mut rules: Vec<Rule> = Vec::new();
    for Entry { r#for, file, require_master } in parsed.keys {
        let (at, file_line) = (line(r#for.span()), line(file.span()));
        let place = S3Address::parse(r#for.get_ref());
        let place = place.map_err(|_| RulesError { line: at, problem: Problem::Address })?;
        let file = file.into_inner();
        if file.is_empty() {
            return Err(RulesError { line: file_line, problem: Problem::NoFile });
        }
        if let Some(other) = rules.iter().find(|other| other.overlaps(&place)) {
            let (other_line, other_place) = (other.line, other.place.clone());
            let problem = Problem::Overlap { place, other_line, other_place };
            return Err(RulesError { line: at, problem });
        }
        rules.push(Rule { place, file, require_master, line: at });
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> S3Address {
        S3Address::parse(text).unwrap()
    }

    fn two(one: &str, other: &str) -> String {
        let rule = |place| format!("[[keys]]\nfor = \"{place}\"\nfile = \"a\"\n");
        format!("{}\n{}", rule(one), rule(other))
    }

    #[test]
    fn rules_are_read_with_their_lines() {
        let text = "# mine\n[[keys]]\nfor = \"s3://abc\"\nfile = \"~/k/a\"\n\n[[keys]]\nfile = \"b\"\n\
                    for = 's3://abd/x/'\nrequire-master = true\n";
        let rule = |place_of: &str, file: &str, require_master, line| Rule {
            place: place(place_of),
            file: file.to_owned(),
            require_master,
            line,
        };
        let read = parse(text).unwrap();
        assert_eq!(read, [rule("s3://abc", "~/k/a", false, 3), rule("s3://abd/x/", "b", true, 8)]);
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn rules_that_overlap_are_named_by_both_lines() {
        let overlapping = [
            ("s3://abc", "s3://abc"),
            ("s3://abc", "s3://abc/"),
            ("s3://abc/a/", "s3://abc"),
            ("s3://abc/a", "s3://abc/a/"),
            ("s3://abc/a/", "s3://abc/a/b/"),
        ];
        for (one, other) in overlapping {
            let error = parse(&two(one, other)).unwrap_err();
            let said = format!("line 6 is for {}, and line 2 is for {}", place(other), place(one));
            assert_eq!(error.to_string(), said);
        }
        let apart = [
            ("s3://abc", "s3://abd"),
            ("s3://abc/a", "s3://abc/ab"),
            ("s3://abc/a/", "s3://abc/b/"),
        ];
        for (one, other) in apart {
            assert_eq!(parse(&two(one, other)).unwrap().len(), 2, "{one} {other}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        let cases = [
            (1, "x = 1"),
            (3, "[[keys]]\nfor = \"s3://abc\"\nkey = \"x\"\n"),
            (1, "[[keys]]\nfor = \"s3://abc\"\n"),
            (2, "[[keys]]\nfor = \"abc\"\nfile = \"a\"\n"),
            (3, "[[keys]]\nfor = \"s3://abc\"\nfile = \"\"\n"),
            (3, "[[keys]]\nfor = \"s3://abc\"\nfile = 7\n"),
            (4, "[[keys]]\nfor = \"s3://abc\"\nfile = \"a\"\nrequire-master = 1\n"),
            (2, "[[keys]]\nfor = \"s3://abc"),
        ];
        for (line, text) in cases {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_rule_is_for_objects_and_trees() {
        let place_of = place("s3://abc/a/");
        let file = "f".to_owned();
        let rule = Rule { place: place_of, file, require_master: false, line: 1 };
        for inside in ["s3://abc/a/x", "s3://abc/a/"] {
            assert!(rule.touches(&place(inside)) && rule.holds(&place(inside)), "{inside}");
        }
        for around in ["s3://abc", "s3://abc/"] {
            assert!(rule.touches(&place(around)) && !rule.holds(&place(around)), "{around}");
        }
        for outside in ["s3://abc/a", "s3://abc/b/", "s3://abd/a/x"] {
            assert!(!rule.touches(&place(outside)), "{outside}");
        }
    }
}
