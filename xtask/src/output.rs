//! The only place that prints: progress to standard error, results to standard output.
#![allow(clippy::print_stderr, reason = "this module is the one that prints")]

use std::fmt::Display;
use std::io::Write;

/// Tells what is happening, on standard error.
pub(crate) fn say(text: impl Display) {
    eprintln!("xtask: {text}");
}

/// Starts a section of a long run.
pub(crate) fn heading(text: impl Display) {
    eprintln!("\n== {text}");
}

/// Prints a result that another program may read, on standard output.
pub(crate) fn line(text: impl Display) {
    // A reader that has seen enough (`head`) is no failure of ours.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Shows a failure and its causes, outermost first.
pub(crate) fn failure(error: &anyhow::Error) {
    eprintln!("xtask: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}
