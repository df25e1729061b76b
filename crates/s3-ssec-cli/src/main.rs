//! The command `s3-ssec`: S3 objects under customer keys, proved on write, verified on read.
//!
//! `args` says what can be asked for, `commands` does it, `report` turns errors into two lines and
//! an exit code, and `output` is the only module that prints.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the comments of arguments are the text of --help, where [:port] is no link"
)]

mod args;
mod commands;
mod harden;
mod interrupt;
mod keys;
mod logging;
mod memory;
mod output;
mod progress;
mod report;
mod session;
mod style;
mod suggest;
mod text;

use args::Cli;
use output::Output;
use report::{Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    harden::no_core_dumps();
    let cli = match args::help::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return report::usage::print(&error),
    };
    logging::init(&cli.global);
    let output = Output::new(&cli.global);
    match run(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: Cli, output: Output) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            let what = format!("no threads can be started: {error}");
            Failure::new(Exit::Failed, what, "Look at the limits of this machine: ulimit -a.")
        })?;
    let done = runtime.block_on(commands::run(cli, output));
    // A thread that still waits for standard input must not keep the process alive.
    runtime.shutdown_background();
    done
}
