//! Slurm from Debian's packages, unpacked into the cache and started on this machine without root and
//! without an init system: munged, slurmctld and slurmd. All three end with [`Slurm`].

use crate::lab::{cache, lock};
use crate::{output as print, project};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use xshell::Shell;

/// What is unpacked: the daemons, and libraries that a small system lacks.
const PACKAGES: [&str; 8] = [
    "slurmctld",
    "slurmd",
    "slurm-client",
    "slurm-wlm-basic-plugins",
    "munge",
    "libmunge2",
    "libhwloc15",
    "libjson-c5",
];

/// A cluster of one node.
pub(super) struct Slurm {
    root: PathBuf,
    config: PathBuf,
    daemons: Vec<Child>,
}

impl Slurm {
    /// Starts a cluster whose files are in `dir`, and waits until its node is idle.
    pub(super) fn start(sh: &Shell, dir: &Path) -> Result<Self> {
        let root = unpacked(sh)?;
        for name in ["state", "spool", "munge"] {
            fs::create_dir_all(dir.join(name))?;
        }
        let config = dir.join("slurm.conf");
        fs::write(&config, configuration(&root, dir)?)?;
        let mut slurm = Self { root, config, daemons: Vec::new() };
        slurm.start_daemons(dir)?;
        let start = Instant::now();
        loop {
            let nodes = output(slurm.command("sinfo").args(["--noheader", "--format=%T"]));
            if nodes.is_ok_and(|states| states.trim() == "idle") {
                return Ok(slurm);
            }
            ensure!(start.elapsed() < Duration::from_secs(60), "Slurm's node does not come up");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn start_daemons(&mut self, dir: &Path) -> Result<()> {
        let key = dir.join("munge.key");
        let mut make_key = self.daemon("mungekey");
        output(make_key.args(["--create", "--bits=1024"]).arg(option("--keyfile", &key)))?;
        let mut munged = self.daemon("munged");
        munged.arg("--foreground").arg(option("--key-file", &key));
        for (name, file) in [
            ("--socket", "socket"),
            ("--pid-file", "pid"),
            ("--log-file", "log"),
            ("--seed-file", "seed"),
        ] {
            munged.arg(option(name, &dir.join("munge").join(file)));
        }
        self.spawn(munged, dir, "munged")?;
        let start = Instant::now();
        while !dir.join("munge/socket").exists() {
            ensure!(start.elapsed() < Duration::from_secs(30), "munged does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut controller = self.daemon("slurmctld-wlm");
        controller.args(["-D", "-c"]);
        self.spawn(controller, dir, "slurmctld")?;
        let mut node = self.daemon("slurmd-wlm");
        node.args(["-D", "-N", NODE, "-d"]).arg(self.root.join("usr/sbin/slurmstepd-wlm"));
        self.spawn(node, dir, "slurmd")
    }

    fn spawn(&mut self, mut command: Command, dir: &Path, name: &str) -> Result<()> {
        let log = fs::File::create(dir.join(format!("{name}.out")))?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        self.daemons.push(child.with_context(|| format!("{name} cannot be started"))?);
        Ok(())
    }

    /// A client program: `sbatch`, `squeue`, `scontrol`.
    pub(super) fn command(&self, name: &str) -> Command {
        self.linked(&self.root.join("usr/bin").join(name))
    }

    fn daemon(&self, name: &str) -> Command {
        self.linked(&self.root.join("usr/sbin").join(name))
    }

    fn linked(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", libraries(&self.root)).env("SLURM_CONF", &self.config);
        command
    }

    /// True if no task of the job waits or runs.
    pub(super) fn is_done(&self, job: &str) -> Result<bool> {
        let mut queue = self.command("squeue");
        let states =
            output(queue.args(["--noheader", "--states=all", "--format=%T", "--jobs", job]))?;
        let over =
            |state: &str| !matches!(state, "PENDING" | "RUNNING" | "COMPLETING" | "REQUEUED");
        if let Some(bad) = states.lines().find(|state| over(state) && *state != "COMPLETED") {
            bail!("a task of the job {job} ended as {bad}");
        }
        Ok(states.lines().all(over))
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // Tasks outlive the daemon that started them.
        let _ = self.command("scancel").arg("--me").status();
        for daemon in self.daemons.iter_mut().rev() {
            // One that is gone already is what is wanted.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// The name of the only node.
const NODE: &str = "trial";

/// What a program prints; an error with what it complains of.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().display().to_string();
    let ran = command.output().with_context(|| format!("{name} cannot be started"))?;
    ensure!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr).trim());
    Ok(String::from_utf8(ran.stdout)?.trim().to_owned())
}

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

fn unpacked(sh: &Shell) -> Result<PathBuf> {
    let root = cache()?.join("slurm");
    let _lock = lock(&root.with_extension("lock"))?;
    if root.join("usr/sbin/slurmctld-wlm").is_file() {
        return Ok(root);
    }
    ensure!(
        project::program_in_path("apt-get").is_some() && project::program_in_path("dpkg").is_some(),
        "the Slurm trial takes Slurm from Debian's packages, and this is no Debian"
    );
    print::say("fetching Slurm");
    let debs = root.with_extension("debs");
    fs::create_dir_all(&debs)?;
    let _back = sh.push_dir(&debs);
    sh.cmd("apt-get").args(["download", "-qq"]).args(PACKAGES).quiet().ignore_stderr().run()?;
    fs::create_dir_all(&root)?;
    for deb in fs::read_dir(&debs)? {
        sh.cmd("dpkg").arg("-x").arg(deb?.path()).arg(&root).quiet().run()?;
    }
    crate::lab::remove_dir(&debs)?;
    Ok(root)
}

fn libraries(root: &Path) -> String {
    let dir = root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    format!("{}:{}", dir.display(), dir.join("slurm-wlm").display())
}

/// A configuration without root, control groups or accounting. Ports are taken that are free now.
fn configuration(root: &Path, dir: &Path) -> Result<String> {
    let port =
        || -> Result<u16> { Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port()) };
    let user = match std::env::var("USER") {
        Ok(user) => user,
        Err(_) => output(Command::new("id").arg("-un"))?,
    };
    let host = output(&mut Command::new("hostname"))?;
    let plugins = root.join(format!("usr/lib/{}-linux-gnu/slurm-wlm", std::env::consts::ARCH));
    let (dir, plugins) = (dir.display(), plugins.display());
    Ok(format!(
        "ClusterName=trial\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser={user}\nSlurmdUser={user}\n\
         SlurmctldPort={}\nSlurmdPort={}\nAuthType=auth/munge\nCredType=cred/munge\n\
         AuthInfo=socket={dir}/munge/socket\nPluginDir={plugins}\nStateSaveLocation={dir}/state\n\
         SlurmdSpoolDir={dir}/spool\nSlurmctldPidFile={dir}/slurmctld.pid\n\
         SlurmdPidFile={dir}/slurmd.pid\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n\
         SwitchType=switch/none\nMpiDefault=none\nSelectType=select/cons_tres\n\
         SelectTypeParameters=CR_CPU\nSchedulerType=sched/builtin\n\
         AccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none\n\
         ReturnToService=2\nJobRequeue=1\nSlurmdParameters=config_overrides\n\
         NodeName={NODE} NodeHostname={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN\n\
         PartitionName=all Nodes={NODE} Default=YES MaxTime=INFINITE State=UP\n",
        port()?,
        port()?,
    ))
}
