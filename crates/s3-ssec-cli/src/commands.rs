//! The commands, one module for each.

mod audit;
mod bucket;
mod cat;
mod completions;
mod cors;
mod cp;
mod doctor;
mod get;
mod headers;
mod key;
mod ledger;
mod ls;
mod man;
mod nothing;
mod policy;
mod presign;
mod put;
mod rekey;
mod repair;
mod report;
mod rm;
mod stat;
mod tree;
mod verify;
mod work;

use crate::args::{Cli, Command};
use crate::output::Output;
use crate::report::Failure;
use crate::session::Session;
use crate::suggest;

/// Runs one command.
pub(crate) async fn run(cli: Cli, output: Output) -> Result<(), Failure> {
    let session = Session::new(cli.global, output);
    let done = match dispatch(&session, cli.command).await {
        Ok(()) => Ok(()),
        Err(failure) => Err(suggest::likely_name(&session, failure).await),
    };
    session.finish(done)
}

async fn dispatch(session: &Session, command: Command) -> Result<(), Failure> {
    match command {
        Command::Key(command) => key::run(session, command).await,
        Command::Headers(args) => headers::run(session, args).await,
        Command::Bucket(command) => bucket::run(session, command).await,
        Command::Put(args) if args.tree.recursive => tree::put(session, args).await,
        Command::Put(args) => put::run(session, args).await,
        Command::Get(args) if args.tree.recursive => tree::get(session, args).await,
        Command::Get(args) => get::run(session, args).await,
        Command::Cat(args) => cat::run(session, args).await,
        Command::Ls(args) => ls::run(session, args).await,
        Command::Stat(args) => stat::run(session, args).await,
        Command::Rm(args) if args.tree.recursive => tree::remove(session, args).await,
        Command::Rm(args) => rm::run(session, args).await,
        Command::Verify(args) if args.tree.recursive => tree::verify(session, args).await,
        Command::Verify(args) => verify::run(session, args).await,
        Command::Cp(args) => cp::run(session, args).await,
        Command::Repair(args) => repair::run(session, args).await,
        Command::Audit(args) => audit::run(session, args).await,
        Command::Report(args) => report::run(session, &args),
        Command::Rekey(args) => rekey::run(session, args).await,
        Command::Ledger(command) => ledger::run(session, command).await,
        Command::Doctor(args) => doctor::run(session, args).await,
        Command::Policy(command) => policy::run(session, command).await,
        Command::Cors(command) => cors::run(session, command).await,
        Command::Presign(command) => presign::run(session, command).await,
        Command::Completions { shell } => completions::run(session, shell),
        Command::Man { directory } => man::run(session, &directory),
    }
}
