//! The examples for schedulers, with the schedulers: a Slurm job array on a real Slurm, the manifest of
//! a Kubernetes job under the schemas of Kubernetes.

mod slurm;

use crate::lab::{self, Gateway, Options, REGION, Store, Version, cache, lock};
use crate::{output, project, python, test};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use slurm::Slurm;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use xshell::Shell;

const EXAMPLES: &str = "crates/s3-ssec-cli/examples/cluster";
/// Checks manifests against the schemas of Kubernetes, strictly.
const VALIDATOR: &str = "kubernetes-validate==1.37.0";
const OBJECTS: usize = 2000;
/// Slurm waits two minutes before it starts a requeued task; the rest is for slow machines.
const PATIENCE: Duration = Duration::from_secs(1800);

/// The manifest of the indexed job is one that Kubernetes takes.
pub(super) fn check_manifest(sh: &Shell) -> Result<()> {
    let manifest = project::root().join(EXAMPLES).join("kubernetes-indexed-job.yaml");
    let validator = validator(sh)?;
    sh.cmd(&validator).arg("--strict").arg(&manifest).quiet().run()?;
    // A validator that takes everything proves nothing.
    let text = fs::read_to_string(&manifest)?;
    let wrong = std::env::temp_dir().join(format!("s3-ssec-wrong-{}.yaml", std::process::id()));
    fs::write(&wrong, text.replace("completions: 4", "completions: many"))?;
    let refused = sh.cmd(&validator).arg("--strict").arg(&wrong).quiet().ignore_status().output();
    fs::remove_file(&wrong)?;
    ensure!(!refused?.status.success(), "the validator takes a manifest that is wrong");
    Ok(())
}

fn validator(sh: &Shell) -> Result<PathBuf> {
    let dir = cache()?.join("tools").join(VALIDATOR.replace("==", "-"));
    let _lock = lock(&dir.with_extension("lock"))?;
    let program = dir.join("bin/kubernetes-validate");
    if !program.is_file() {
        let system = project::program_in_path("python3").context("there is no python3")?;
        sh.cmd(system).args(["-m", "venv", "--clear"]).arg(&dir).quiet().run()?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", VALIDATOR];
        sh.cmd(dir.join("bin/python")).args(install).quiet().run()?;
    }
    Ok(program)
}

/// Four tasks put 2,000 objects and audit them; one is killed and requeued on the way. No object is
/// written twice, and none is missed.
pub(super) fn check_array(sh: &Shell) -> Result<()> {
    let command = test::build_command()?;
    let python = python::ensure(sh)?;
    let ran_before = lab::running(Version::V18)?.is_some();
    let gateway = lab::up(sh, Version::V18, Options::default(), Store::Disk)?;
    let dir = std::env::temp_dir().join(format!("s3-ssec-slurm-{}", std::process::id()));
    fs::create_dir_all(dir.join("files"))?;
    let outcome = Slurm::start(sh, &dir.join("slurm")).and_then(|slurm| {
        let aws = python.with_file_name("aws");
        Trial { slurm, dir: dir.clone(), command, aws, gateway }.run()
    });
    if outcome.is_ok() {
        lab::remove_dir(&dir)?;
    } else {
        output::say(format_args!("what the tasks said is kept: {}", dir.display()));
    }
    if !ran_before {
        lab::down(Version::V18)?;
    }
    outcome
}

struct Trial {
    slurm: Slurm,
    dir: PathBuf,
    command: PathBuf,
    aws: PathBuf,
    gateway: Gateway,
}

impl Trial {
    fn run(&self) -> Result<()> {
        for number in 0..OBJECTS {
            let path = self.dir.join("files").join(format!("{number:04}"));
            fs::write(path, format!("object {number}\n").repeat(200))?;
        }
        let bucket = format!("slurm-{}", std::process::id());
        let url = format!("s3://{bucket}/p/");
        self.s3_ssec(&["key", "new", "--out", "key"])?;
        self.s3_ssec(&["bucket", "create", &format!("s3://{bucket}")])?;
        // Versions show what was written twice.
        let enabled = "Status=Enabled";
        let versioning = ["s3api", "put-bucket-versioning", "--versioning-configuration", enabled];
        let aws = self.here(&self.aws).args(versioning).args(["--bucket", &bucket]).output()?;
        ensure!(aws.status.success(), "{}", String::from_utf8_lossy(&aws.stderr));
        let put = ["put", "-r", "files", &url, "--files", "2"];
        let killed = self.array("put", &put, Some(2))?;
        ensure!(killed, "the second task ended before it could be killed");
        self.report("put")?;
        self.array("audit", &["audit", &url, "--expect", "described"], None)?;
        self.report("audit")?;
        let all = self.s3_ssec(&["audit", &url, "--versions", "--output", "json"])?;
        let all: Value = serde_json::from_str(&all)?;
        ensure!(all["objects"] == OBJECTS, "written more than once: {all}");
        self.s3_ssec(&["rm", "-r", &url])?;
        Ok(())
    }

    /// Submits the example and waits for its end. True if the task `kill` was killed on the way.
    fn array(&self, name: &str, command: &[&str], kill: Option<u32>) -> Result<bool> {
        let journals = self.dir.join(name);
        fs::create_dir_all(&journals)?;
        let script = project::root().join(EXAMPLES).join("slurm-array.sh");
        let mut submit = self.slurm.command("sbatch");
        submit.arg("--parsable").arg(script).args(command).current_dir(&self.dir);
        self.configure(&mut submit);
        submit.env("JOURNALS", &journals);
        let job = slurm::output(&mut submit)?;
        let (start, mut killed) = (Instant::now(), false);
        while !self.slurm.is_done(&job)? {
            ensure!(start.elapsed() < PATIENCE, "the job {job} does not end");
            if let Some(task) = kill.filter(|_| !killed) {
                let journal = journals.join(format!("shard-{task}.jsonl"));
                let done = fs::read_to_string(journal).unwrap_or_default().lines().count();
                if (20..OBJECTS / 4 - 20).contains(&done) {
                    slurm::output(
                        self.slurm.command("scontrol").args(["requeue", &format!("{job}_{task}")]),
                    )?;
                    output::say(format_args!("task {task} is killed after {done} objects"));
                    killed = true;
                }
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(killed)
    }

    fn report(&self, name: &str) -> Result<()> {
        let journals: Vec<_> = (1..=4).map(|task| format!("{name}/shard-{task}.jsonl")).collect();
        let mut arguments = vec!["report", "--output", "json"];
        arguments.extend(journals.iter().map(String::as_str));
        let report: Value = serde_json::from_str(&self.s3_ssec(&arguments)?)?;
        let count = |name: &str| report[name].as_u64().unwrap_or_default();
        let all = (count("done") + count("same")) as usize;
        ensure!(all == OBJECTS, "{all} objects, not {OBJECTS}: {report}");
        ensure!(report["doubles"].as_array().is_some_and(Vec::is_empty), "{report}");
        Ok(())
    }

    fn s3_ssec(&self, arguments: &[&str]) -> Result<String> {
        slurm::output(self.here(&self.command).args(arguments))
    }

    fn here(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.dir);
        self.configure(&mut command);
        command
    }

    /// The environment of the trial, which sbatch hands on to the tasks.
    fn configure(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = self.command.parent().unwrap_or(Path::new("")).display();
        command
            .env("PATH", format!("{programs}:{path}"))
            .env("S3_SSEC_KEY_FILE", self.dir.join("key"))
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("AWS_REGION", REGION);
        if let Ok(variables) = self.gateway.environment() {
            command.envs(variables);
        }
    }
}
