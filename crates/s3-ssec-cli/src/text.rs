//! Values in words: sizes, times, names from strangers.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use indicatif::HumanBytes;
use serde_json::Value;
use std::time::Duration;

/// `1.21 MiB (1271310 bytes)`; small sizes in bytes alone.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{bytes} bytes"),
        _ => format!("{} ({bytes} bytes)", HumanBytes(bytes)),
    }
}

/// `4.2 s, 112.00 MiB/s`; nothing for what was too small or too quick to say how fast the link is.
pub(crate) fn speed(bytes: u64, took: Duration) -> Option<String> {
    const LEAST: u64 = 16 << 20;
    let seconds = took.as_secs_f64();
    let rate = HumanBytes((bytes as f64 / seconds) as u64);
    (bytes >= LEAST && seconds >= 0.1).then(|| format!("{seconds:.1} s, {rate}/s"))
}

/// `2026-11-23 21:14:09Z`, from seconds since 1970; empty for times outside of the calendar.
pub(crate) fn time(seconds: i64) -> String {
    rfc3339(seconds).replace('T', " ")
}

/// `2026-11-23T21:14:09Z`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default()
}

/// Today's date in UTC, `YYYY-MM-DD`.
pub(crate) fn today() -> String {
    rfc3339(unix_now()).chars().take(10).collect()
}

/// Seconds since 1970.
pub(crate) fn unix_now() -> i64 {
    DateTime::from(std::time::SystemTime::now()).secs()
}

/// One line without control characters: an object's name must not steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|character| show(character, &mut shown));
    shown
}

/// Lines without control characters but for colours (`ESC [ digits m`): the last fence before the
/// terminal, for text whose pieces should be [`printable`] already.
pub(crate) fn screened(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let colour = colour(rest);
        if let Some(colour) = colour {
            shown.push_str(&rest[..colour]);
        } else if matches!(character, '\n' | '\t') {
            shown.push(character);
        } else {
            show(character, &mut shown);
        }
        rest = &rest[colour.unwrap_or(character.len_utf8())..];
    }
    shown
}

/// JSON on one line, without control characters: serde_json escapes those below U+0020 alone.
pub(crate) fn json(value: &Value) -> String {
    escaped(value.to_string())
}

/// JSON with every control character escaped. Whoever parses it reads the same.
pub(crate) fn escaped(text: String) -> String {
    if !text.contains(|character| character != '\n' && is_hidden(character)) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character != '\n' && is_hidden(character) {
            // None of them lies beyond U+FFFF.
            true => shown.push_str(&format!("\\u{:04x}", u32::from(character))),
            false => shown.push(character),
        }
    }
    shown
}

/// A cell of CSV: one line, and no formula of a spreadsheet, which would run when the file is opened.
pub(crate) fn cell(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{}", printable(text)),
        false => printable(text),
    }
}

fn show(character: char, shown: &mut String) {
    match is_hidden(character) {
        true => shown.extend(character.escape_default()),
        false => shown.push(character),
    }
}

/// The length of a sequence for colours at the beginning.
fn colour(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("\u{1b}[")?;
    let length = inner.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    inner[length..].starts_with('m').then_some(length + 3)
}

/// Control characters, line ends of every kind, and what turns the direction of the text beside it.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        )
}

/// Takes out what could be a key: a gateway's own words may repeat parts of a request.
pub(crate) fn without_keys(text: &str) -> String {
    /// Base64 of 32 bytes without padding; hex is longer and of the same characters.
    const SHORTEST: usize = 43;
    let of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.find(|c| !of_key(c)).unwrap_or(rest.len());
        shown.push_str(if run < SHORTEST { &rest[..run] } else { "[...]" });
        let others = rest[run..].find(of_key).map_or(rest.len(), |next| run + next);
        shown.push_str(&rest[run..others]);
        rest = &rest[others..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(3 << 19), "1.50 MiB (1572864 bytes)");
        assert_eq!(time(0), "1970-01-01 00:00:00Z");
        assert_eq!(rfc3339(1_795_555_555), "2026-11-24T21:25:55Z");
        assert_eq!(time(i64::MAX), "");
        assert_eq!(today().len(), 10);
    }

    #[test]
    fn speeds_are_told_where_they_mean_something() {
        let of = |bytes, millis| speed(bytes, Duration::from_millis(millis));
        assert_eq!(of(64 << 20, 4000).as_deref(), Some("4.0 s, 16.00 MiB/s"));
        assert_eq!(of(13, 4000), None);
        assert_eq!(of(64 << 20, 1), None);
    }

    #[test]
    fn names_do_not_steer_the_terminal() {
        assert_eq!(printable("Größe/a b+c%.bin"), "Größe/a b+c%.bin");
        assert_eq!(printable("a\u{1b}[31m\n\u{202e}b"), "a\\u{1b}[31m\\n\\u{202e}b");
        assert_eq!(printable("\u{9b}31m\u{2028}\u{61c}"), "\\u{9b}31m\\u{2028}\\u{61c}");
    }

    #[test]
    fn the_last_fence_lets_colours_and_lines_through() {
        let painted = "\u{1b}[1m\u{1b}[31mNO\u{1b}[0m\n  a\tb";
        assert_eq!(screened(painted), painted);
        assert_eq!(screened("\u{1b}]0;x\u{7}\u{1b}[2J\r"), "\\u{1b}]0;x\\u{7}\\u{1b}[2J\\r");
        assert_eq!(screened("\u{1b}[31"), "\\u{1b}[31");
        assert_eq!(screened("ü\u{9b}31m\u{202e}"), "ü\\u{9b}31m\\u{202e}");
    }

    #[test]
    fn json_and_cells_are_plain_text() {
        let name = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}ü\n";
        let text = json(&serde_json::json!({ "key": name }));
        let expected = r#"{"key":"a\u001b\u007f\u009b\u202e\u2028ü\n"}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["key"], name, "nothing is lost");
        for formula in ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"] {
            assert!(cell(formula).starts_with('\''), "{formula:?}");
        }
        assert_eq!(cell("\t=1\u{9b}"), "'\\t=1\\u{9b}");
        assert_eq!(cell("2026/a=b.csv"), "2026/a=b.csv");
    }

    #[test]
    fn keys_are_taken_out() {
        let key = "pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=";
        let hex = "00".repeat(32);
        assert_eq!(without_keys(&format!("bad ({key}) <{hex}>")), "bad ([...]) <[...]>");
        assert_eq!(without_keys(&key[..43]), "[...]");
        let request = "tx000008d0b6f0b8a6b7c8d-0065f0c1a2-1234-default: müßig ";
        assert_eq!(without_keys(request), request);
    }
}
