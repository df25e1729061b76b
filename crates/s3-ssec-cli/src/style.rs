//! Colours, and the width to fill.
//!
//! Styled text holds escape sequences always. What writes it (`output`) takes them out where they do not
//! belong: where there is no terminal, or where NO_COLOR, CLICOLOR=0 or TERM=dumb say so;
//! CLICOLOR_FORCE puts them into files and pipes too.

use anstyle::{AnsiColor, Style};
use std::io::IsTerminal as _;
use std::sync::OnceLock;

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    Plain,
    /// The subject of the lines below it.
    Head,
    /// As it should be.
    Good,
    /// Works, and wants a look.
    Caution,
    /// Not as it should be.
    Bad,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| colour.on_default();
        match self {
            Tone::Plain => Style::new(),
            Tone::Head => Style::new().bold(),
            Tone::Good => colour(AnsiColor::Green),
            Tone::Caution => colour(AnsiColor::Yellow),
            Tone::Bad => colour(AnsiColor::Red).bold(),
        }
    }

    /// `text` in this tone. Make it [printable](crate::text::printable) before, not after.
    pub(crate) fn paint(self, text: &str) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }
}

/// Columns of the terminal that results go to; `None` where they go elsewhere.
pub(crate) fn width() -> Option<usize> {
    static WIDTH: OnceLock<Option<usize>> = OnceLock::new();
    *WIDTH.get_or_init(|| {
        let stdout = std::io::stdout();
        let columns = stdout.is_terminal().then(|| terminal_size::terminal_size_of(&stdout))??.0.0;
        // Below this, breaking lines makes nothing readable.
        (columns >= 40).then(|| columns.into())
    })
}

/// Breaks `text` at spaces so that it ends before column `width`, where it begins in column `indent`.
/// Words are never cut: names and addresses stay whole, to be copied.
pub(crate) fn wrapped(text: &str, indent: usize, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| indent + text.chars().count() > *width) else {
        return text.to_owned();
    };
    let mut lines = String::with_capacity(text.len() + 16);
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column == indent {
            lines.push_str(word);
            column += length;
        } else if column + 1 + length <= width {
            lines.push(' ');
            lines.push_str(word);
            column += 1 + length;
        } else {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            lines.push_str(word);
            column = indent + length;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_painted_and_plain_text_is_not() {
        assert_eq!(Tone::Plain.paint("a"), "a");
        assert_eq!(Tone::Bad.paint("NO"), "\u{1b}[1m\u{1b}[31mNO\u{1b}[0m");
    }

    #[test]
    fn lines_are_broken_between_words_only() {
        assert_eq!(wrapped("one two three", 2, Some(10)), "one two\n  three");
        assert_eq!(wrapped("one two three", 2, None), "one two three");
        assert_eq!(wrapped("one two three", 2, Some(15)), "one two three");
        assert_eq!(wrapped("s3://bucket/long-name x", 4, Some(12)), "s3://bucket/long-name\n    x");
        assert_eq!(wrapped("", 4, Some(2)), "");
    }
}
