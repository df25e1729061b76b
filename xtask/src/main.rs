//! `cargo xtask`: builds, checks and tests s3-ssec, and runs real gateways for it.
//!
//! Depends on no crate of this workspace: it has to work when they do not compile.

mod bench;
mod check;
mod demo;
mod flags;
mod guide;
mod lab;
mod output;
mod project;
mod python;
mod release_check;
mod stages;
mod test;
mod tidy;
mod wasm;
mod web;

use flags::{Xtask, XtaskCmd};
use std::ffi::OsString;
use std::process::ExitCode;
use xshell::Shell;

fn main() -> ExitCode {
    project::own_program();
    let given: Vec<_> = std::env::args_os().skip(1).collect();
    let outcome =
        wasm::tests::run_module(&given).unwrap_or_else(|| run(lab::keep_tool_arguments(given)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<OsString>) -> anyhow::Result<()> {
    let flags = Xtask::from_vec(arguments).unwrap_or_else(|error| error.exit());
    let sh = Shell::new()?;
    sh.change_dir(project::root());
    match flags.subcommand {
        XtaskCmd::Demo(flags) => demo::run(&sh, flags),
        XtaskCmd::Test(flags) => test::run(&sh, flags),
        XtaskCmd::Bench(flags) => bench::run(&sh, &flags),
        XtaskCmd::Ci(_) => test::run(&sh, flags::Test { only: None, endpoint: None }),
        XtaskCmd::Check(_) => check::run(&sh),
        XtaskCmd::Tidy(_) => tidy::run(&sh),
        XtaskCmd::Web(flags) => match flags.subcommand {
            flags::WebCmd::Serve(flags) => web::serve(&sh, &flags),
        },
        XtaskCmd::Guide(flags) => guide::run(&sh, &flags),
        XtaskCmd::ReleaseCheck(flags) => release_check::run(&sh, &flags),
        XtaskCmd::Wasm(flags) => wasm::run(&sh, flags),
        XtaskCmd::Rgw(flags) => lab::run(&sh, flags),
    }
}
