//! Many files at once: `put -r`, `get -r`, `rm -r`, `verify -r`.

use super::nothing;
use super::put::reminder::{self, Input};
use super::work::{Again, WorkLog};
use crate::args::{GetArgs, PutArgs, RmArgs, TreeArgs, VerifyArgs};
use crate::keys::need::Need;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::text;
use s3_ssec::core::names::S3Address;
use s3_ssec::{CallError, Client, Item, Summary, TreeError, TreeOutcome};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;

pub(super) async fn put(session: &Session, args: PutArgs) -> Result<(), Failure> {
    let mut options = args.tree.options()?;
    options.links = args.links.links();
    options.put = super::put::tree_options(&args);
    check_source(&args.source)?;
    let to = as_prefix(&args.target);
    options.selection = args.work.selection();
    let (client, keys) = session.keyed(&Need::to_write(&to)).await?;
    if !options.dry_run {
        reminder::remind(session, Input::Nothing)?;
    }
    let keys = Arc::new(keys);
    let mut log = Log::new(session, &args.tree, "upload");
    if !options.dry_run {
        let mut details = args.tree.details();
        details.push(format!("source={}", args.source.display()));
        details.push(format!("key={}", keys.writer().fingerprint()));
        details.extend(args.work.manifest_detail());
        let (work, selection) = (&args.work, &mut options.selection);
        // A file may have changed since: what is there is compared, not believed.
        log.work = WorkLog::open(work, "put", &client, &to, &details, Again::Look, selection)?;
    }
    let progress = session.progress(Total::Unknown);
    let (directory, watch) = (&args.source, &progress.watch);
    let mut report = |item: &Item| log.item(item);
    let done = client.put_tree(&keys, directory, &to, &options, watch, &mut report).await;
    drop(progress);
    super::put::in_ledger_alone(session, &client);
    log.finish(done, &to)
}

pub(super) async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let mut options = args.tree.options()?;
    options.get = super::get::options(&args);
    check_target(&args.target)?;
    let from = as_prefix(&args.object);
    let (client, keys) = session.keyed(&Need::to_read(&from)).await?;
    options.get.read.require_master |= session.requires_master();
    let keys = Arc::new(keys);
    let (directory, is_new) = (&args.target, !args.target.is_dir() && !options.dry_run);
    if is_new {
        std::fs::create_dir(directory).map_err(|error| cannot_make(directory, &error))?;
    }
    let progress = session.progress(Total::Unknown);
    let mut log = Log::new(session, &args.tree, "download");
    let watch = &progress.watch;
    let mut report = |item: &Item| log.item(item);
    let done = client.get_tree(&keys, &from, directory, &options, watch, &mut report).await;
    drop(progress);
    let done = log.finish_at(&client, done, &from).await;
    if is_new && done.is_err() {
        // Only if nothing came into it.
        let _ = std::fs::remove_dir(directory);
    }
    done
}

/// What goes up with -r is a directory.
fn check_source(source: &Path) -> Result<(), Failure> {
    let (problem, todo) = match source.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            ("does not exist", "Check the name of the directory.")
        }
        _ => ("is no directory", "Leave out -r for a single file."),
    };
    Err(Failure::new(Exit::Usage, format!("{} {problem}", source.display()), todo))
}

/// What comes down with -r goes into a directory. It may be missing; the one that it lies in may not.
fn check_target(target: &Path) -> Result<(), Failure> {
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let (path, problem, todo) = match target.symlink_metadata() {
        _ if target == Path::new("-") => (target, "is no directory", "Leave out -r."),
        _ if target.is_dir() => return Ok(()),
        Err(_) if parent.is_dir() => return Ok(()),
        Err(_) => (parent, "does not exist", "Make it first, or check the name."),
        Ok(_) => (target, "is no directory", "Name a directory, or leave out -r."),
    };
    Err(Failure::new(Exit::Usage, format!("{} {problem}", path.display()), todo))
}

fn cannot_make(directory: &Path, error: &io::Error) -> Failure {
    let what = format!("{} cannot be made: {error}", directory.display());
    Failure::new(Exit::Failed, what, "Check your rights and the free space.")
}

pub(super) async fn verify(session: &Session, args: VerifyArgs) -> Result<(), Failure> {
    let mut options = args.tree.options()?;
    options.get = args.options();
    let from = as_prefix(&args.object);
    let (client, keys) = session.keyed(&Need::to_read(&from)).await?;
    options.get.read.require_master |= session.requires_master();
    let keys = Arc::new(keys);
    options.selection = args.work.selection();
    let mut log = Log::new(session, &args.tree, "verify");
    if !options.dry_run {
        let mut details = args.tree.details();
        details.extend(args.work.manifest_detail());
        let (work, selection) = (&args.work, &mut options.selection);
        log.work =
            WorkLog::open(work, "verify", &client, &from, &details, Again::Never, selection)?;
    }
    let progress = session.progress(Total::Unknown);
    let mut report = |item: &Item| log.item(item);
    let done = client.verify_tree(&keys, &from, &options, &progress.watch, &mut report).await;
    drop(progress);
    log.finish_at(&client, done, &from).await
}

pub(super) async fn remove(session: &Session, args: RmArgs) -> Result<(), Failure> {
    let options = args.tree.options()?;
    let client = session.client().await?;
    let progress = session.progress(Total::Unknown);
    let mut log = Log::new(session, &args.tree, "delete");
    // `rm -r s3://b/a` takes what is below `a/`, and not `ab`.
    let from = as_prefix(&args.object);
    let mut report = |item: &Item| log.item(item);
    let done = client.remove_tree(&from, &options, &progress.watch, &mut report).await;
    drop(progress);
    log.finish_at(&client, done, &from).await
}

/// A place that files go into or come from: `s3://b/a` means what is below `s3://b/a/`.
fn as_prefix(address: &S3Address) -> S3Address {
    let mut prefix = address.clone();
    if !prefix.is_prefix() {
        prefix.path.push('/');
    }
    prefix
}

/// Collects what there is to tell, and tells it at the end.
struct Log<'a> {
    session: &'a Session,
    verb: &'static str,
    dry_run: bool,
    is_filtered: bool,
    names: Vec<String>,
    failures: Vec<Value>,
    worst: Option<Exit>,
    work: WorkLog,
}

impl<'a> Log<'a> {
    fn new(session: &'a Session, tree: &TreeArgs, verb: &'static str) -> Self {
        let (names, failures) = (Vec::new(), Vec::new());
        let (dry_run, is_filtered) = (tree.dry_run, !tree.details().is_empty());
        let work = WorkLog::default();
        Self { session, verb, dry_run, is_filtered, names, failures, worst: None, work }
    }

    fn item(&mut self, item: &Item) {
        self.work.item(item);
        match &item.outcome {
            TreeOutcome::Done(..) if self.dry_run => self.names.push(item.name.clone()),
            TreeOutcome::Skipped(why) => {
                self.session.output.note(format_args!("{}: left out, {why}", item.name));
            }
            _ => {}
        }
    }

    fn failed(&mut self, name: &str, error: TreeError) {
        let failure = Failure::from(error).about(&name);
        self.worst = self.worst.max(Some(failure.exit));
        self.session.output.complaint(&failure);
        self.work.failed(name, &failure);
        let mut entry = failure.json()["error"].take();
        entry["name"] = name.into();
        self.failures.push(entry);
    }

    /// As [`Log::finish`], for a command on what lies at `place`: something has to.
    async fn finish_at(
        self,
        client: &Client,
        done: Result<Summary, CallError>,
        place: &S3Address,
    ) -> Result<(), Failure> {
        if done.as_ref().is_ok_and(is_empty)
            && let Err(failure) = nothing::refuse(client, place).await
        {
            self.work.ended(failure.exit as u8)?;
            return Err(failure);
        }
        self.finish(done, place)
    }

    fn finish(
        mut self,
        done: Result<Summary, CallError>,
        place: &S3Address,
    ) -> Result<(), Failure> {
        let mut summary = done.about(place)?;
        if is_empty(&summary) && self.is_filtered && !self.work.is_kept() {
            self.session.output.note("no name matches --include and --exclude");
        }
        let failed = std::mem::take(&mut summary.failed);
        for (name, error) in failed {
            self.failed(&name, error);
        }
        if !summary.stopped {
            self.work.ended(self.worst.map_or(0, |exit| exit as u8))?;
        }
        let mut json = json!({
            "place": place.to_string(),
            "done": summary.done,
            "bytes": summary.bytes,
            "same": summary.same,
            "verifications": summary.verifications,
            "skipped": summary.skipped,
            "stopped": summary.stopped,
            "failed": self.failures.clone(),
        });
        let mut text = String::new();
        if self.dry_run {
            json["would"] = self.names.clone().into();
            for name in &self.names {
                text += &format!("would {} {}\n", self.verb, text::printable(name));
            }
        }
        let failed = self.failures.len() as u64;
        text += &fields(&summary, place, self.verb, self.dry_run, failed).to_string();
        self.session.output.report(text, &json)?;
        match self.worst {
            Some(exit) => Err(Failure::reported(exit)),
            None if summary.stopped => {
                let what = "interrupted; what is done is done";
                Err(Failure::new(Exit::Failed, what, "Start it again: it skips what is there."))
            }
            None => Ok(()),
        }
    }
}

/// True if it came to the end and dealt with nothing.
fn is_empty(summary: &Summary) -> bool {
    let dealt_with = summary.done + summary.same + summary.skipped + summary.failed.len() as u64;
    dealt_with == 0 && !summary.stopped
}

fn fields(summary: &Summary, place: &S3Address, verb: &str, dry_run: bool, failed: u64) -> Fields {
    let done = match (dry_run, verb) {
        (true, verb) => format!("would {verb} {}", summary.done),
        (false, "verify") => format!("{} verified", summary.done),
        (false, "delete") => format!("{} deleted", summary.done),
        (false, verb) => format!("{} {verb}ed", summary.done),
    };
    let count = |count: u64| (count > 0).then_some(count);
    let of = |codes: &[&str]| {
        count(codes.iter().filter_map(|code| summary.verifications.get(code)).sum())
    };
    let accepted = of(&["verified-since", "verified-by-direct-key-since"]);
    let direct = of(&["verified-by-direct-key", "verified-by-direct-key-since"]);
    let direct = direct.map(|n| format!("{n} verified by a key that others may hold"));
    Fields::new(place)
        .line("files", format_args!("{done}, {}", text::size(summary.bytes)))
        .optional(
            "unchanged",
            count(summary.same).map(|same| format!("{same}, the digest matches")),
        )
        .optional("accepted", accepted.map(|n| format!("{n} verified since they were accepted")))
        .optional("direct keys", direct)
        .optional("not verified", of(&["not-verified"]).map(|n| format!("{n} without a digest")))
        .optional("left out", count(summary.skipped))
        .optional("failed", count(failed))
}
