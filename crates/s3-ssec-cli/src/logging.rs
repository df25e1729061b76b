//! The log, on standard error. Whatever level is asked for, no key is in it.
//!
//! Three fences: TRACE is compiled out (feature `max_level_debug` of `tracing`), since aws-sigv4
//! prints there what it signs; only targets that were looked through can log at all; and the types
//! that hold keys have no `Debug`.

use crate::args::Global;
use crate::text::screened;
use anstream::{AutoStream, ColorChoice};
use std::io;
use tracing::Metadata;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// Starts logging. `-v` outranks `RUST_LOG`.
pub(crate) fn init(global: &Global) {
    let filter = EnvFilter::new(directives(global)).and(filter_fn(may_log));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Screened)
        .with_ansi(AutoStream::choice(&io::stderr()) != ColorChoice::Never)
        .with_target(global.verbose > 1)
        .with_filter(filter);
    // Not `init()`: it would let the `log` macros of other crates in, past the compile-time fence.
    // It fails only when there is a subscriber already.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines));
}

/// Standard error, for lines that may repeat what a gateway said.
struct Screened;

impl io::Write for Screened {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        // One event is one line.
        let (text, end) = text.strip_suffix('\n').map_or((&*text, ""), |text| (text, "\n"));
        let text = screened(text).replace('\n', "\\n");
        io::stderr().write_all(format!("{text}{end}").as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn directives(global: &Global) -> String {
    let level = match (global.quiet, global.verbose) {
        (_, 1) => "s3_ssec=info",
        (_, 2) => "s3_ssec=debug,info",
        (_, 3..) => "debug",
        (true, 0) => "s3_ssec=error",
        (false, 0) => {
            let named = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
            return named.map_or_else(|| "s3_ssec=warn".to_owned(), |text| without_trace(&text));
        }
    };
    level.to_owned()
}

/// TRACE is not there, and asking for it would print advice on how to compile it in.
fn without_trace(directives: &str) -> String {
    let lower = |directive: &str| {
        let (target, level) = directive.rsplit_once('=').unwrap_or(("", directive));
        match (level.trim().eq_ignore_ascii_case("trace"), target) {
            (false, _) => directive.to_owned(),
            (true, "") => "debug".to_owned(),
            (true, target) => format!("{target}=debug"),
        }
    };
    directives.split(',').map(lower).collect::<Vec<_>>().join(",")
}

/// Targets whose events were read and seen to hold no request headers.
const TARGETS: [&str; 7] = [
    "s3_ssec",
    "aws_config",
    "aws_credential_types",
    "aws_runtime",
    "aws_smithy_runtime",
    "hyper_util",
    "rustls",
];

fn may_log(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target().split("::").next().unwrap_or_default();
    TARGETS.contains(&target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser as _;

    #[test]
    fn flags_outrank_each_other() {
        let of = |words: &[&str]| {
            let words = ["s3-ssec"].iter().chain(words).chain(&["ls"]);
            directives(&Cli::try_parse_from(words).unwrap().global)
        };
        assert_eq!(of(&["-q"]), "s3_ssec=error");
        assert_eq!(of(&["-v"]), "s3_ssec=info");
        assert_eq!(of(&["-q", "-vv"]), "s3_ssec=debug,info");
        assert_eq!(of(&["-vvvvv"]), "debug");
    }

    #[test]
    fn trace_is_not_asked_for() {
        assert_eq!(without_trace("TRACE"), "debug");
        assert_eq!(without_trace("s3_ssec=trace,hyper=info"), "s3_ssec=debug,hyper=info");
        assert_eq!(without_trace("warn,aws_sigv4"), "warn,aws_sigv4");
    }

    #[test]
    fn trace_is_compiled_out() {
        assert_eq!(tracing::level_filters::STATIC_MAX_LEVEL, tracing::Level::DEBUG);
    }
}
