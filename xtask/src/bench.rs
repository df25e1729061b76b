//! `cargo xtask bench`: this client beside others, on one gateway, in one run.
//!
//! The tools take turns in every round, so that a busy minute of the machine strikes all of them;
//! the table has medians. What a tool downloads is compared with the source in the first round.

mod files;
mod jobs;
mod measure;
mod page;
mod rekey;
mod sink;
mod table;
mod tools;

use crate::lab::{self, Gateway, Options, REGION, Store, Version};
use crate::{flags, output, project};
use anyhow::{Context, Result, bail, ensure};
use jobs::{BIG, Back, Job, Maker, STREAMS, ZEROS};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use table::{Row, Unit};
use xshell::Shell;

const VERSION: Version = Version::V18;
const DEFAULT_RUNS: u32 = 5;
/// What the small files are called, and the middle-sized ones.
const TREES: [(&str, u64); 2] = [("small", 4 << 10), ("middle", 8 << 20)];

/// How much is moved.
struct Amounts {
    runs: u32,
    large: u64,
    /// Number of files, for each of `TREES`.
    files: [u64; 2],
}

impl Amounts {
    fn of(flags: &flags::Bench) -> Result<Amounts> {
        let runs = flags.runs.unwrap_or(if flags.quick { 1 } else { DEFAULT_RUNS });
        ensure!(runs > 0, "no runs, no medians\nGive --runs a number from 1.");
        Ok(match flags.quick {
            true => Amounts { runs, large: 128 << 20, files: [200, 10] },
            false => Amounts { runs, large: 1 << 30, files: [2_000, 100] },
        })
    }
}

/// Runs `cargo xtask bench`.
pub(crate) fn run(sh: &Shell, flags: &flags::Bench) -> Result<()> {
    if !flags.command.is_empty() {
        return measure::and_print(&flags.command);
    }
    if flags.page {
        return page::run(sh, flags.quick);
    }
    if flags.rekey {
        return rekey::run(sh, flags);
    }
    let amounts = Amounts::of(flags)?;
    let mut tools = tools::ensure(sh)?;
    let was_up = lab::running(VERSION)?.is_some();
    let gateway = lab::up(sh, VERSION, Options::default(), Store::Disk)?;
    let outcome = Bench::new(sh, &gateway).and_then(|bench| {
        tools.ours = bench.own_copy(&tools.ours)?;
        let maker = Maker { tools: &tools, bucket: &bench.bucket, script: script()? };
        let outcome = bench
            .prepare(&maker, &amounts)
            .and_then(|()| bench.all(&maker, &amounts))
            .and_then(|()| bench.against_a_sink(sh, &maker, &amounts));
        // Gigabytes stay behind otherwise; what the benchmark itself says comes first.
        let removed = bench.remove(&maker);
        outcome.and(removed)
    });
    if !was_up {
        lab::down(VERSION)?;
    }
    outcome
}

fn script() -> Result<String> {
    let path = project::root().join("xtask/src/bench/peers.py");
    Ok(path.to_str().context("the checkout's path is not Unicode")?.to_owned())
}

/// A directory and a bucket of one benchmark.
struct Bench {
    dir: PathBuf,
    bucket: String,
    environment: Vec<(String, String)>,
}

impl Bench {
    fn new(sh: &Shell, gateway: &Gateway) -> Result<Bench> {
        let dir = project::target_dir(sh)?.join("bench-data");
        lab::remove_dir(&dir)?;
        fs::create_dir_all(&dir)?;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let environment = environment(gateway, &dir, &make_key(&dir)?)?;
        output::line(format_args!("  radosgw {}", gateway.release));
        Ok(Bench { dir, bucket: format!("bench-{seconds}"), environment })
    }

    /// Copies the command: somebody may build it anew while the benchmark runs.
    fn own_copy(&self, command: &str) -> Result<String> {
        let copy = self.dir.join("s3-ssec");
        fs::copy(command, &copy)?;
        Ok(copy.to_str().context("the checkout's path is not Unicode")?.to_owned())
    }

    fn prepare(&self, maker: &Maker<'_>, amounts: &Amounts) -> Result<()> {
        output::say("making files");
        files::make(&self.dir.join(BIG), amounts.large)?;
        files::split(&self.dir.join(BIG), STREAMS)?;
        for ((name, size), count) in TREES.into_iter().zip(amounts.files) {
            files::make_tree(&self.dir.join(name), count, size)?;
        }
        let new_key = [maker.tools.ours.as_str(), "key", "new", "--quiet", "--out", "master.key"];
        self.plain(&new_key.map(str::to_owned))?;
        self.plain(&maker.python(&["make-bucket", &self.bucket]))?;
        self.plain(&maker.python(&["curl", &self.bucket, BIG]))?;
        self.plain(&maker.python(&["s3cmd-config"]))
    }

    fn all(&self, maker: &Maker<'_>, amounts: &Amounts) -> Result<()> {
        let large = Unit::Bytes(amounts.large);
        let title = format!("1 file of {} MiB", amounts.large >> 20);
        let rows = self.rounds(BIG, amounts, |_| maker.large_up(BIG))?;
        table::print(&format!("{title}, up"), large, &rows);
        let rows = self.rounds(BIG, amounts, |_| maker.large_down())?;
        table::print(&format!("{title}, down"), large, &rows);
        for ((name, size), count) in TREES.into_iter().zip(amounts.files) {
            // Small files cost by the file, larger ones by the byte.
            let is_small = size < 1 << 20;
            let unit = if is_small { Unit::Files(count) } else { Unit::Bytes(count * size) };
            let title = format!("{count} files of {} KiB", size >> 10);
            let [up, down] = self.trees(maker, name, amounts)?;
            table::print(&format!("{title}, up"), unit, &up);
            table::print(&format!("{title}, down"), unit, &down);
        }
        Ok(())
    }

    /// What the clients cost when the other side costs nothing.
    fn against_a_sink(&self, sh: &Shell, maker: &Maker<'_>, amounts: &Amounts) -> Result<()> {
        let sink = sink::Sink::start(sh, &lab::tls()?)?;
        let mut environment = self.environment.clone();
        environment.push(("AWS_ENDPOINT_URL_S3".to_owned(), sink.endpoint.clone()));
        let (dir, bucket) = (self.dir.clone(), self.bucket.clone());
        let bench = Bench { dir, bucket, environment };
        fs::File::create(bench.dir.join(ZEROS))?.set_len(amounts.large)?;
        bench.plain(&maker.python(&["curl", &bench.bucket, ZEROS]))?;
        let large = Unit::Bytes(amounts.large);
        let title = format!("1 file of {} MiB, no gateway but a sink", amounts.large >> 20);
        let up = |_| Maker::for_the_sink(maker.large_up(ZEROS));
        table::print(&format!("{title}, up"), large, &bench.rounds(ZEROS, amounts, up)?);
        let down = |_| Maker::for_the_sink(maker.large_down());
        table::print(&format!("{title}, down"), large, &bench.rounds(ZEROS, amounts, down)?);
        Ok(())
    }

    /// Every tool once in every round.
    fn rounds(
        &self,
        source: &str,
        amounts: &Amounts,
        jobs: impl Fn(u32) -> Vec<Job>,
    ) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for round in 0..amounts.runs {
            self.round(source, round, &jobs(round), &mut rows)?;
        }
        Ok(rows)
    }

    /// Up and down in every round. What a round sent up is removed at its end: all rounds together
    /// are more than the gateway's store can hold.
    fn trees(&self, maker: &Maker<'_>, name: &str, amounts: &Amounts) -> Result<[Vec<Row>; 2]> {
        let [mut up, mut down] = [Vec::new(), Vec::new()];
        for round in 0..amounts.runs {
            self.round(name, round, &maker.tree_up(name, round), &mut up)?;
            if round == 0 {
                self.job(name, &maker.s3cmd_back(name, round), Compare::Yes)?;
            }
            self.round(name, round, &maker.tree_down(name, round), &mut down)?;
            self.plain(&maker.python(&["remove-objects", &self.bucket, &format!("{name}-")]))?;
        }
        Ok([up, down])
    }

    fn round(&self, source: &str, round: u32, jobs: &[Job], rows: &mut Vec<Row>) -> Result<()> {
        let compare = if round == 0 { Compare::Yes } else { Compare::No };
        for (index, job) in jobs.iter().enumerate() {
            output::say(format_args!("round {}: {source}, {}", round + 1, job.tool));
            let usage = self.job(source, job, compare)?;
            if round == 0 {
                rows.push(Row { tool: job.tool.to_owned(), runs: Vec::new() });
            }
            rows[index].runs.push(usage);
        }
        Ok(())
    }

    fn job(&self, source: &str, job: &Job, compare: Compare) -> Result<measure::Usage> {
        if let Some(before) = &job.before {
            self.plain(before)?;
        }
        let usage = measure::command(&job.measured, &self.dir, |command| self.set_up(command))?;
        if let Some(after) = &job.after {
            self.plain(after)?;
        }
        let back = self.dir.join("back");
        if job.back == Back::Pieces {
            files::join(&back, STREAMS)?;
        }
        if job.back != Back::Nothing {
            if compare == Compare::Yes {
                files::compare(&self.dir.join(source), &back)
                    .with_context(|| format!("{} is not to be trusted", job.tool))?;
            }
            remove(&back)?;
        }
        Ok(usage)
    }

    /// Runs a command that is not measured.
    fn plain(&self, words: &[String]) -> Result<()> {
        let (program, arguments) = words.split_first().context("an empty command")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.dir);
        self.set_up(&mut command);
        let status = command.status().with_context(|| format!("{program} cannot be started"))?;
        if !status.success() {
            bail!("{} ended with {status}\nIts message stands above.", words.join(" "));
        }
        Ok(())
    }

    fn set_up(&self, command: &mut Command) {
        // A profile or a session of the user's would be mixed with the gateway's credentials.
        command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
        command.env_remove("S3_SSEC_KEY_FILE");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    fn remove(&self, maker: &Maker<'_>) -> Result<()> {
        let bucket = self.plain(&maker.python(&["remove-bucket", &self.bucket]));
        lab::remove_dir(&self.dir)?;
        bucket
    }
}

/// Whether what came back is compared with the source.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Compare {
    Yes,
    No,
}

/// Makes the customer key of the peers and returns it: 32 characters, as rclone's has to be text.
fn make_key(dir: &Path) -> Result<String> {
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid").context("gateways need Linux")?;
    let key: String = uuid.chars().filter(char::is_ascii_hexdigit).collect();
    ensure!(key.len() == 32, "the kernel gave no UUID");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(dir.join("bench.key"))?;
    file.write_all(key.as_bytes())?;
    Ok(key)
}

fn environment(gateway: &Gateway, dir: &Path, key: &str) -> Result<Vec<(String, String)>> {
    let ours = gateway.environment()?;
    let of = |wanted: &str| -> Result<String> {
        let found = ours.iter().find(|(name, _)| *name == wanted);
        Ok(found.with_context(|| format!("the lab has no {wanted}"))?.1.clone())
    };
    let path = |name: &str| dir.join(name).display().to_string();
    let peers = [
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        // Their faster setting; releases before 20 do not verify these checksums anyway.
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required".to_owned()),
        ("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required".to_owned()),
        ("AWS_CONFIG_FILE", path("aws-config")),
        ("AWS_SHARED_CREDENTIALS_FILE", path("aws-credentials")),
        ("XDG_STATE_HOME", path("state")),
        ("RCLONE_CONFIG", path("rclone.conf")),
        ("RCLONE_CA_CERT", of("AWS_CA_BUNDLE")?),
        ("RCLONE_CONFIG_BENCH_TYPE", "s3".to_owned()),
        ("RCLONE_CONFIG_BENCH_PROVIDER", "Ceph".to_owned()),
        ("RCLONE_CONFIG_BENCH_ENDPOINT", of("AWS_ENDPOINT_URL_S3")?),
        ("RCLONE_CONFIG_BENCH_ACCESS_KEY_ID", of("AWS_ACCESS_KEY_ID")?),
        ("RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY", of("AWS_SECRET_ACCESS_KEY")?),
        ("RCLONE_CONFIG_BENCH_SSE_CUSTOMER_ALGORITHM", "AES256".to_owned()),
        ("RCLONE_CONFIG_BENCH_SSE_CUSTOMER_KEY", key.to_owned()),
    ];
    Ok(ours.into_iter().chain(peers).map(|(name, value)| (name.to_owned(), value)).collect())
}

fn remove(path: &Path) -> Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)?
    } else {
        fs::remove_file(path)?
    }
    Ok(())
}
