//! The only module that prints: results on standard output, everything else on standard error.
//!
//! With `--output json` standard output gets exactly one JSON value, also on failure.

use crate::args::{Global, OutputFormat};
use crate::keys::typed;
use crate::report::{Exit, Failure};
use crate::style::{self, Tone};
use crate::text::{self, printable, screened};
use serde_json::Value;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

/// Where results and messages go.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    format: OutputFormat,
    voice: Voice,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    Normal,
    Quiet,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let voice = if global.quiet { Voice::Quiet } else { Voice::Normal };
        Self { format: global.output, voice }
    }

    pub(crate) fn is_json(self) -> bool {
        self.format == OutputFormat::Json
    }

    /// True if a progress bar has a place.
    pub(crate) fn shows_progress(self) -> bool {
        self.voice == Voice::Normal && !self.is_json() && io::stderr().is_terminal()
    }

    /// True if a person is there to be asked.
    pub(crate) fn can_ask(self) -> bool {
        self.voice == Voice::Normal
            && !self.is_json()
            && io::stdin().is_terminal()
            && io::stderr().is_terminal()
    }

    /// What was asked for: printed also with `--quiet`.
    pub(crate) fn answer(self, text: impl Display, json: &Value) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Text => {
                let text = screened(&text.to_string());
                written(writeln!(anstream::stdout().lock(), "{text}"))
            }
            OutputFormat::Json => written(writeln!(io::stdout().lock(), "{}", text::json(json))),
        }
    }

    /// What was done.
    pub(crate) fn report(self, text: impl Display, json: &Value) -> Result<(), Failure> {
        match (self.format, self.voice) {
            (OutputFormat::Text, Voice::Quiet) => Ok(()),
            _ => self.answer(text, json),
        }
    }

    /// Bytes as they are, for other programs.
    pub(crate) fn raw(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// As [`Output::raw`], for callers that deal in IO errors. A reader that went away is one.
    pub(crate) fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// A remark on standard error.
    pub(crate) fn note(self, text: impl Display) {
        if self.voice == Voice::Normal {
            let name = Tone::Head.paint(NAME);
            to_stderr(&format!("{name} {}\n", printable(&text.to_string())));
        }
    }

    /// One failure of many, in two lines; the JSON of all comes at the end.
    pub(crate) fn complaint(self, failure: &Failure) {
        failure.log();
        to_stderr(&painted(failure));
    }

    /// Two lines on standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        if failure.is_told() {
            return;
        }
        failure.log();
        to_stderr(&painted(failure));
        if self.is_json() {
            // The failure stands on standard error already.
            let json = typed::fenced(text::json(&failure.json()));
            let _ = writeln!(io::stdout().lock(), "{json}");
        }
    }
}

/// How messages begin.
const NAME: &str = "s3-ssec:";

fn painted(failure: &Failure) -> String {
    typed::fenced(failure.to_string()).replacen(NAME, &Tone::Bad.paint(NAME), 1)
}

/// Prints text that is no result of a command: help, usage errors.
pub(crate) fn to_stderr(text: &str) {
    // Nobody can be told that standard error is gone.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Prints help or a version on standard output.
pub(crate) fn to_stdout(text: &str) {
    // A closed pipe is no reason to complain about help.
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

/// A reader that went away got what it wanted; a full disk is an error.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let what = format!("standard output cannot be written: {error}");
            Err(Failure::new(Exit::Failed, what, "Look where it is redirected to."))
        }
        _ => Ok(()),
    }
}

/// A headline and indented lines of `name  value`, the values aligned.
pub(crate) struct Fields {
    headline: String,
    lines: Vec<(&'static str, String, Tone)>,
}

impl Fields {
    pub(crate) fn new(headline: impl Display) -> Self {
        Self { headline: printable(&headline.to_string()), lines: Vec::new() }
    }

    /// Adds a line.
    #[must_use]
    pub(crate) fn line(self, name: &'static str, value: impl Display) -> Self {
        self.toned(name, value, Tone::Plain)
    }

    /// Adds a line that a look should catch.
    #[must_use]
    pub(crate) fn toned(mut self, name: &'static str, value: impl Display, tone: Tone) -> Self {
        self.lines.push((name, printable(&value.to_string()), tone));
        self
    }

    /// Adds a line if there is a value.
    #[must_use]
    pub(crate) fn optional(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.line(name, value),
            None => self,
        }
    }
}

impl Display for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.lines.iter().map(|(name, ..)| name.len());
        let longest = names.max().unwrap_or_default();
        f.write_str(&Tone::Head.paint(&self.headline))?;
        for (name, value, tone) in &self.lines {
            let value = style::wrapped(value, longest + 4, style::width());
            write!(f, "\n  {name:longest$}  {}", tone.paint(&value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_aligned_and_harmless() {
        let fields = Fields::new("s3://b/\u{1b}k").line("size", 3).line("encrypted", "yes");
        let fields = fields.optional("version", None::<u8>).to_string();
        let fields = anstream::adapter::strip_str(&fields).to_string();
        assert_eq!(fields, "s3://b/\\u{1b}k\n  size       3\n  encrypted  yes");
    }
}
