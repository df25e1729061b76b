//! Somebody who types `s3-ssec ...`: a home of their own, and nothing else in the environment.

use crate::content::{ScratchDir, scratch_dir};
use crate::lab::{Gateway, lab};
use crate::terminal::OnTerminal;
use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyfile::{Entry, KeyFile};
use std::ffi::OsStr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

/// No command of a test may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A person with a home, credentials and a gateway.
pub struct Person {
    home: ScratchDir,
    environment: Vec<(String, String)>,
}

/// What became of a command.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Person {
    pub fn new(gateway: &Gateway) -> Self {
        let home = scratch_dir();
        let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
        let environment = [
            ("HOME", path("home")),
            ("PATH", std::env::var("PATH").unwrap()),
            ("TMPDIR", path("tmp")),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("XDG_CACHE_HOME", path("cache")),
            ("XDG_CONFIG_HOME", path("config")),
            ("XDG_DATA_HOME", path("data")),
            ("XDG_STATE_HOME", path("state")),
            ("AWS_ENDPOINT_URL_S3", gateway.https.clone()),
            ("AWS_CA_BUNDLE", gateway.ca().to_str().unwrap().to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", gateway.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", gateway.secret_key.clone()),
        ];
        for directory in ["home", "tmp", "work"] {
            std::fs::create_dir(home.join(directory)).unwrap();
        }
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { home, environment }
    }

    /// A second person, whose home is a copy of this one's.
    pub fn copy(&self) -> Self {
        let home = scratch_dir();
        copy_directory(self.home.path(), home.path());
        let [from, to] = [&self.home, &home].map(|home| home.path().to_str().unwrap().to_owned());
        let moved = |(name, value): &(String, String)| (name.clone(), value.replace(&from, &to));
        let environment = self.environment.iter().map(moved).collect();
        Self { home, environment }
    }

    /// With another value in the environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.as_ref().to_str().unwrap().to_owned()));
        self
    }

    /// With another gateway, and keys that were never used at the one before: a key belongs to one.
    #[must_use]
    pub fn moved_to(self, endpoint: &str) -> Self {
        // There is none if no key was used.
        let _ = std::fs::remove_file(self.home.join("state/s3-ssec/keys.json"));
        self.with("AWS_ENDPOINT_URL_S3", endpoint)
    }

    /// The same person on a machine that knows nothing of what was done before.
    #[must_use]
    pub fn on_another_machine(self) -> Self {
        let state = self.home.join("state-of-another-machine");
        self.with("XDG_STATE_HOME", state)
    }

    /// With one value less in the environment.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// With a new key of this kind in `work/key`, named by the environment.
    #[must_use]
    pub fn with_key(self, kind: Kind) -> Self {
        self.with_key_named("key", kind)
    }

    /// With a new key of this kind in another file of `work`, named by the environment.
    #[must_use]
    pub fn with_key_named(self, name: &str, kind: Kind) -> Self {
        let path = self.key_file(name, crate::lab::new_key(kind));
        self.with("S3_SSEC_KEY_FILE", path)
    }

    /// Where commands run.
    pub fn work(&self) -> PathBuf {
        self.home.join("work")
    }

    /// Everything that is theirs: work, temporary files, state.
    pub fn everything(&self) -> &Path {
        self.home.path()
    }

    /// The names in the working directory.
    pub fn names(&self) -> Vec<String> {
        names(&self.work())
    }

    /// Temporary files that were left behind.
    pub fn temporary(&self) -> Vec<String> {
        names(&self.home.join("tmp"))
    }

    /// Writes a file in the working directory.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        self.file_with_mode(name, content, 0o644)
    }

    pub fn file_with_mode(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
        use std::io::Write as _;
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(&path).unwrap();
        file.write_all(content).unwrap();
        path
    }

    /// Writes a key file in the working directory.
    pub fn key_file(&self, name: &str, key: Key) -> PathBuf {
        self.key_file_of(name, [key])
    }

    /// Writes a file of several keys, of which the first writes.
    pub fn key_file_of(&self, name: &str, keys: impl IntoIterator<Item = Key>) -> PathBuf {
        let entry = |key| Entry { key, label: None, created: None };
        let file = KeyFile::new(keys.into_iter().map(entry).collect()).unwrap();
        self.file_with_mode(name, file.print().as_bytes(), 0o600)
    }

    /// Reads a file of the working directory.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.work().join(name)).unwrap()
    }

    /// Runs the command to its end.
    pub async fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        self.run_with(arguments, b"").await
    }

    /// Runs the command with this on its standard input.
    pub async fn run_with<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        stdin: &[u8],
    ) -> Ran {
        let mut command = self.program(&lab().command);
        command.args(arguments);
        finish(command, stdin).await
    }

    /// Runs another program as this person, in the same place.
    pub async fn run_program<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Ran {
        self.run_program_with(program, arguments, b"").await
    }

    pub async fn run_program_with<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        stdin: &[u8],
    ) -> Ran {
        let mut command = self.program(program);
        command.args(arguments);
        finish(command, stdin).await
    }

    /// Starts the command and leaves it running.
    pub fn start<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Running {
        self.start_with(arguments, Stdio::null())
    }

    /// Starts the command, with this for its standard input, and leaves it running.
    pub fn start_with<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        stdin: impl Into<Stdio>,
    ) -> Running {
        let mut command = self.program(&lab().command);
        Running(command.args(arguments).stdin(stdin).spawn().unwrap())
    }

    /// Starts the command on a terminal of its own: standard input and error are one.
    pub fn start_on_terminal<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> OnTerminal {
        let mut command = self.program(&lab().command);
        command.args(arguments);
        OnTerminal::start(command)
    }

    /// Another program, as this person would start it.
    pub fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment.clone()).current_dir(self.work());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

/// A command under way.
pub struct Running(Child);

impl Running {
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id().expect("it is still running")).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    pub async fn end(self) -> Ran {
        collect(self.0).await
    }
}

async fn finish(mut command: Command, stdin: &[u8]) -> Ran {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // In a task: who writes before reading can wait for ever.
    let writer = tokio::spawn(async move {
        // A command that reads no input closes it; that is its right.
        let _ = pipe.write_all(&stdin).await;
    });
    let ran = collect(child).await;
    writer.abort();
    ran
}

async fn collect(child: Child) -> Ran {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output());
    let output = output.await.expect("the command ends").unwrap();
    let stderr = String::from_utf8(output.stderr).expect("messages are text");
    Ran { code: output.status.code(), stdout: output.stdout, stderr }
}

impl Ran {
    /// Asserts success.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Asserts a failure with this exit code, told in exactly two lines, and nothing on standard
    /// output. Gives the two lines.
    #[track_caller]
    pub fn refused(&self, code: i32) -> (String, String) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert_eq!(self.text(), "", "nothing on standard output");
        let errors = without_remarks(&self.stderr);
        let lines: Vec<_> = errors.lines().collect();
        let [what, todo] = lines[..] else { panic!("two lines, not {:?}", self.stderr) };
        assert!(what.starts_with("s3-ssec: ") && what.len() > 20, "{what}");
        assert!(todo.starts_with("  ") && todo.len() > 10, "{todo}");
        (what.to_owned(), todo.to_owned())
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("the output is text")
    }

    /// Standard output as exactly one JSON value.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).expect("the output is one JSON value")
    }
}

/// The remarks that are made once of a key: where it belongs, and that there is no copy of it. Said also
/// when the command fails after the gateway confirmed the key.
const REMARKS: [&str; 2] = [
    r"^s3-ssec: the keys? [0-9a-f, ]+ belongs? to \S+ from now on, and will not be sent elsewhere$",
    "^s3-ssec: the key [0-9a-f]{16} has no backup; ",
];

/// The lines of standard error but for [`REMARKS`].
pub(crate) fn without_remarks(stderr: &str) -> String {
    let remarks = REMARKS.map(|remark| Regex::new(remark).unwrap());
    let kept = stderr.lines().filter(|line| !remarks.iter().any(|remark| remark.is_match(line)));
    kept.map(|line| format!("{line}\n")).collect()
}

/// Copies what is in a directory, with its modes.
fn copy_directory(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, target) =
            entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if entry.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_directory(&entry, &target);
        } else {
            std::fs::copy(&entry, &target).unwrap();
        }
    }
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
