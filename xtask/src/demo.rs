//! `cargo xtask demo`: the main job on a real gateway with the real command, told as a tutorial.
//!
//! Each command line is printed before it runs; an exit code that was not expected ends the demo.

mod narrator;
mod size;

use crate::lab::{self, Options, REGION, Store, Version};
use crate::{flags, output, project, web};
use anyhow::{Context, Result, bail, ensure};
use narrator::{Expect, Narrator};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use xshell::Shell;

const DEFAULT_SIZE: &str = "1GiB";
/// The answer of a command that was given the wrong key.
const WRONG_KEY: i32 = 4;

/// What the demo runs on.
struct Stage {
    /// Variables that the commands see.
    environment: Vec<(&'static str, String)>,
    bucket: String,
    policy: PolicySupport,
    /// The local gateway, if it is one.
    version: Option<Version>,
}

/// Whether the gateway can refuse uploads without a customer key.
#[derive(Clone, Copy)]
enum PolicySupport {
    Works,
    /// Releases before 20 would refuse every upload; the command says so and changes nothing.
    Lacking,
    Unknown,
}

/// Runs `cargo xtask demo`.
pub(crate) fn run(sh: &Shell, flags: flags::Demo) -> Result<()> {
    if flags.web {
        return web::demo(sh);
    }
    let size = size::parse(flags.size.as_deref().unwrap_or(DEFAULT_SIZE))?;
    let stage = match (&flags.endpoint, &flags.bucket) {
        (Some(endpoint), Some(bucket)) => foreign_stage(sh, endpoint, bucket)?,
        (None, None) => local_stage(sh)?,
        _ => bail!("--endpoint and --bucket belong together\nName a bucket that may be used."),
    };
    output::say("building the command and the example (the first time takes some minutes)");
    let (command, example) = build()?;
    let dir = project::target_dir(sh)?.join("demo");
    lab::remove_dir(&dir)?;
    fs::create_dir_all(&dir)?;
    make_random_file(&dir.join("big.bin"), size)?;
    let narrator = Narrator::new(&dir, &command, &stage.environment);
    let outcome = main_job(&narrator, &stage, &dir).and_then(|()| {
        narrator.tell("The same as a program: crates/s3-ssec/examples/encryption.rs");
        narrator.run_program(&example, &[&stage.bucket], Expect::Success)
    });
    for name in ["big.bin", "back.bin"] {
        // The second is not there when the demo ended early.
        let _ = fs::remove_file(dir.join(name));
    }
    outcome?;
    say_what_next(&stage, &dir);
    Ok(())
}

fn build() -> Result<(PathBuf, PathBuf)> {
    let artifacts = project::build(&[
        "--release",
        "--package=s3-ssec-cli",
        "--package=s3-ssec",
        "--bin=s3-ssec",
        "--example=encryption",
    ])?;
    let command = project::find(&artifacts, "bin", "s3-ssec", project::is_program)?;
    let example = project::find(&artifacts, "example", "encryption", project::is_program)?;
    Ok((command, example))
}

fn local_stage(sh: &Shell) -> Result<Stage> {
    let up = |version| lab::up(sh, version, Options::default(), Store::Disk);
    let gateway = up(Version::V20).or_else(|error| {
        output::say(format_args!("gateway 20 cannot be had ({error}); taking 18 instead"));
        up(Version::V18)
    })?;
    output::say(format_args!("a real gateway, release {}: {}", gateway.release, gateway.https));
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let policy = match gateway.version {
        Version::V20 => PolicySupport::Works,
        Version::V16 | Version::V18 => PolicySupport::Lacking,
    };
    Ok(Stage {
        environment: gateway.environment()?,
        bucket: format!("demo-{seconds}"),
        policy,
        version: Some(gateway.version),
    })
}

/// A gateway of the user's; credentials and CA come from the user's environment.
fn foreign_stage(sh: &Shell, endpoint: &str, bucket: &str) -> Result<Stage> {
    let mut environment = vec![("AWS_ENDPOINT_URL_S3", endpoint.to_owned())];
    if sh.var("AWS_REGION").is_err() {
        environment.push(("AWS_REGION", REGION.to_owned()));
    }
    let bucket = bucket.to_owned();
    Ok(Stage { environment, bucket, policy: PolicySupport::Unknown, version: None })
}

fn main_job(narrator: &Narrator<'_>, stage: &Stage, dir: &Path) -> Result<()> {
    for (variable, value) in &stage.environment {
        output::line(format_args!("   $ export {variable}={value}"));
    }
    store_and_fetch(narrator, &stage.bucket, dir)?;
    refuse_the_unencrypted(narrator, stage)?;
    narrator.tell("Clean up what is big. A small object stays, to play with.");
    let bucket = &stage.bucket;
    narrator.run(&format!("put hello.txt s3://{bucket}/hello.txt --key-file demo.key"), OK)?;
    narrator.run(&format!("rm s3://{bucket}/big.bin"), OK)
}

const OK: Expect = Expect::Success;

fn store_and_fetch(narrator: &Narrator<'_>, bucket: &str, dir: &Path) -> Result<()> {
    narrator.tell("Make a master key: a file that only you can read, and that you must not lose.");
    narrator.run("key new --out demo.key", OK)?;
    narrator.tell("Make a page of it to print, so that it cannot be lost with this machine.");
    narrator.run("key backup demo.key --sheet demo.html", OK)?;
    narrator.tell("Make a bucket, and store a big file under a fresh key of its own.");
    narrator.run(&format!("bucket create s3://{bucket}"), OK)?;
    narrator.run(&format!("put big.bin s3://{bucket}/big.bin --key-file demo.key"), OK)?;
    narrator.tell("What is it? Proved encrypted, with a digest of its content.");
    narrator.run(&format!("stat s3://{bucket}/big.bin --key-file demo.key"), OK)?;
    narrator.tell("Get it back. The bytes have to be the same.");
    narrator.run(&format!("get s3://{bucket}/big.bin back.bin --key-file demo.key"), OK)?;
    ensure!(same_bytes(&dir.join("big.bin"), &dir.join("back.bin"))?, "other bytes came back");
    output::line("   big.bin and back.bin are the same");
    narrator.tell("With another key nobody gets it, and no file is left.");
    narrator.run("key new --out other.key", OK)?;
    let get = format!("get s3://{bucket}/big.bin stolen.bin --key-file other.key");
    narrator.run(&get, Expect::Code(WRONG_KEY))?;
    ensure!(!dir.join("stolen.bin").exists(), "a file was left after a refused download");
    Ok(())
}

fn refuse_the_unencrypted(narrator: &Narrator<'_>, stage: &Stage) -> Result<()> {
    let bucket = &stage.bucket;
    let apply = format!("policy apply s3://{bucket} --require-ssec --key-file demo.key");
    let test = format!("policy test s3://{bucket} --require-ssec --key-file demo.key");
    match stage.policy {
        PolicySupport::Works => {
            narrator.tell("Tell the bucket to refuse uploads without a customer key, and try it.");
            narrator.run(&apply, OK)?;
            narrator.tell("Try again what is refused now: an upload without a key, and others.");
            narrator.run(&test, OK)
        }
        PolicySupport::Lacking => {
            narrator
                .tell("This release cannot refuse uploads without a key; the command finds out.");
            narrator.run(&apply, Expect::Code(1))
        }
        PolicySupport::Unknown => {
            narrator
                .tell("Tell the bucket to refuse uploads without a key, if it can, and try it.");
            narrator.run(&apply, Expect::SuccessOrLacking)
        }
    }
}

/// Incompressible content, from the kernel: fast, and different each time.
fn make_random_file(path: &Path, size: u64) -> Result<()> {
    output::say(format_args!("making {} ({size} bytes)", path.display()));
    let mut random = File::open("/dev/urandom")?.take(size);
    let mut file = File::create(path)?;
    let written = io::copy(&mut random, &mut file).context("is the disk full?")?;
    ensure!(written == size, "{} became {written} bytes long", path.display());
    let hello = path.with_file_name("hello.txt");
    Ok(fs::write(hello, "Hello. Only the holder of the key can read this.\n")?)
}

/// Compares two files without holding them in memory.
fn same_bytes(one: &Path, other: &Path) -> Result<bool> {
    const CHUNK: u64 = 1 << 20;
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    loop {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        one.by_ref().take(CHUNK).read_to_end(&mut a)?;
        other.by_ref().take(CHUNK).read_to_end(&mut b)?;
        if a != b || a.is_empty() {
            return Ok(a == b);
        }
    }
}

fn say_what_next(stage: &Stage, dir: &Path) {
    let key = dir.join("demo.key");
    output::line("\nIt works. What next?");
    output::line("   cargo install --path crates/s3-ssec-cli    # the command, for you");
    if let Some(version) = stage.version {
        output::line(format_args!("   eval \"$(cargo xtask rgw env {version})\""));
        output::line(format_args!("   export S3_SSEC_KEY_FILE={}", key.display()));
        output::line(format_args!("   s3-ssec cat s3://{}/hello.txt", stage.bucket));
        output::line(format_args!("   cargo xtask rgw down {version}      # when you are done"));
    }
    output::line("   # and keep a copy of the key file somewhere else: a lost key loses the data");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_compared_to_the_end() {
        let dir = std::env::temp_dir().join(format!("s3-ssec-demo-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let make = |name: &str, bytes: &[u8]| {
            fs::write(dir.join(name), bytes).unwrap();
            dir.join(name)
        };
        let long = vec![7; 3 << 20];
        let (one, same) = (make("one", &long), make("same", &long));
        let shorter = make("shorter", &long[1..]);
        let other = make("other", &[&long[1..], &[8]].concat());
        assert!(same_bytes(&one, &same).unwrap());
        assert!(!same_bytes(&one, &shorter).unwrap());
        assert!(!same_bytes(&one, &other).unwrap());
        fs::remove_dir_all(dir).unwrap();
    }
}
