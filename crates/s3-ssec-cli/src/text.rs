//! Values in words: sizes, times, names from strangers.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use indicatif::HumanBytes;
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
    for character in text.chars() {
        match character.is_control() || is_invisible(character) {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown
}

/// Characters that turn the direction of what stands beside them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
