//! What each tool is told to do: the command lines that are compared.
//!
//! Every word is part of a command run in the benchmark's directory. Each tool uploads to names of
//! its own and downloads what it uploaded itself.

use super::tools::Tools;

/// Streams of the parallel peers, and the parts they cut a file into.
pub(super) const STREAMS: u64 = 4;
/// The file that is moved whole.
pub(super) const BIG: &str = "big.bin";
/// The same for the sink, which has nothing else to hand out.
pub(super) const ZEROS: &str = "zeros.bin";
/// What is measured against the sink.
const FOR_THE_SINK: [&str; 6] = [
    "curl, 1 stream",
    "aws s3 cp",
    "boto3, 64 MiB x 4",
    "s3-ssec, digest and proof",
    "s3-ssec, verified",
    "s3-ssec, no digest to compare",
];

type Words = Vec<String>;

/// One tool doing one kind of work.
#[derive(Debug, Default)]
pub(super) struct Job {
    /// Name in the table.
    pub(super) tool: &'static str,
    /// Run before the clock starts.
    pub(super) before: Option<Words>,
    /// What is measured.
    pub(super) measured: Words,
    /// Run after the clock has stopped.
    pub(super) after: Option<Words>,
    /// What came back has to be the same as the source.
    pub(super) back: Back,
}

/// Where a job leaves what it downloaded.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) enum Back {
    /// It downloads nothing.
    #[default]
    Nothing,
    /// In the file or directory `back`.
    Whole,
    /// In the files `back.0` and so on, one after the other.
    Pieces,
}

/// The bucket and programs the jobs are made for.
pub(super) struct Maker<'a> {
    pub(super) tools: &'a Tools,
    pub(super) bucket: &'a str,
    /// The file of Python peers.
    pub(super) script: String,
}

const OURS_KEY: [&str; 3] = ["--quiet", "--key-file", "master.key"];
const AWS: [&str; 4] = ["--sse-c", "AES256", "--sse-c-key", "fileb://bench.key"];
const AWS_QUIET: &str = "--only-show-errors";
/// Larger parts than its own 5 MiB: nearly twice as fast with a customer key.
const RCLONE: [&str; 5] =
    ["--ignore-times", "--s3-chunk-size", "64Mi", "--s3-upload-concurrency", "4"];
/// For small files: with its own 4 it waits most of the time.
const RCLONE_FILES: [&str; 6] =
    ["--transfers", "16", "--checkers", "16", "--s3-no-check-bucket", "--no-traverse"];

impl Maker<'_> {
    /// One large file up.
    pub(super) fn large_up(&self, file: &str) -> Vec<Job> {
        let to = |name: &str| self.address(name);
        let with = |tool, measured| Job { tool, measured, ..Job::default() };
        vec![
            with("curl, 1 stream, no key", words("curl", &["--config", "curl-plain-up"])),
            with("curl, 1 stream", words("curl", &["--config", "curl-up"])),
            Job {
                before: Some(self.python(&["begin-parts", self.bucket, file])),
                after: Some(self.python(&["finish-parts", self.bucket])),
                ..with("curl, 4 streams", parallel_curls("curl4-up", ""))
            },
            with("aws s3 cp", self.aws(&[AWS_QUIET, file, &to("aws")], &AWS)),
            with("boto3, 64 MiB x 4", self.python(&["put", self.bucket, "boto3", file])),
            // It skips what is there already, unless it is told not to look.
            with("rclone, 64 MiB x 4", rclone("copyto", file, &self.remote("rclone"), &RCLONE)),
            with("s3-ssec, digest and proof", self.ours(&["put", file, &to("ours")])),
        ]
    }

    /// The same file down, by the tool that sent it up.
    pub(super) fn large_down(&self) -> Vec<Job> {
        let from = |name: &str| self.address(name);
        let with = |tool, measured| Job { tool, measured, back: Back::Whole, ..Job::default() };
        let curl = |config| words("curl", &["--config", config, "--output", "back"]);
        let direct = words(
            &self.tools.ours,
            &["get", &from("curl"), "back", "--quiet", "--key-file", "bench.key"],
        );
        vec![
            with("curl, 1 stream, no key", curl("curl-plain-down")),
            with("curl, 1 stream", curl("curl-down")),
            Job {
                back: Back::Pieces,
                ..with("curl, 4 streams", parallel_curls("curl4-down", "--output back."))
            },
            with("aws s3 cp", self.aws(&[AWS_QUIET, &from("aws"), "back"], &AWS)),
            with("boto3, 64 MiB x 4", self.python(&["get", self.bucket, "boto3", "back"])),
            with("rclone", rclone("copyto", &self.remote("rclone"), "back", &[])),
            with("s3-ssec, verified", self.ours(&["get", &from("ours"), "back"])),
            with("s3-ssec, no digest to compare", direct),
        ]
    }

    /// The tools that are measured against the sink, of `jobs`.
    pub(super) fn for_the_sink(mut jobs: Vec<Job>) -> Vec<Job> {
        jobs.retain(|job| FOR_THE_SINK.contains(&job.tool));
        jobs
    }

    /// The files of `dir` up, to a place that no round before has used.
    pub(super) fn tree_up(&self, dir: &str, round: u32) -> Vec<Job> {
        let to = |tool: &str| self.tree(dir, tool, round);
        let with = |tool, measured| Job { tool, measured, ..Job::default() };
        let remote = self.remote_tree(dir, round);
        let source = format!("{dir}/");
        let s3cmd = self.python(&[
            "s3cmd",
            &self.tools.s3cmd,
            "--config",
            "s3cmd.ini",
            "--quiet",
            "--recursive",
            "put",
            &source,
            &to("s3cmd"),
        ]);
        vec![
            with("aws s3 cp --recursive", self.aws_tree(dir, &to("aws"))),
            with("rclone, 16 transfers", rclone("copy", dir, &remote, &RCLONE_FILES)),
            with("s3cmd", s3cmd),
            with("s3-ssec, digest and proof", self.ours(&["put", "-r", dir, &to("ours")])),
        ]
    }

    /// The same files down again. s3cmd cannot: it sends no key with HEAD.
    pub(super) fn tree_down(&self, dir: &str, round: u32) -> Vec<Job> {
        let from = |tool: &str| self.tree(dir, tool, round);
        let with = |tool, measured| Job { tool, measured, back: Back::Whole, ..Job::default() };
        let remote = self.remote_tree(dir, round);
        let direct = words(
            &self.tools.ours,
            &["get", "-r", &from("aws"), "back", "--quiet", "--key-file", "bench.key"],
        );
        let make_back = || Some(words("mkdir", &["back"]));
        vec![
            with("aws s3 cp --recursive", self.aws_tree(&from("aws"), "back")),
            with("rclone, 16 transfers", rclone("copy", &remote, "back", &RCLONE_FILES)),
            Job {
                before: make_back(),
                ..with("s3-ssec, verified", self.ours(&["get", "-r", &from("ours"), "back"]))
            },
            Job { before: make_back(), ..with("s3-ssec, no digest to compare", direct) },
        ]
    }

    /// Brings back what s3cmd put, with another tool: the check that it put the right bytes.
    pub(super) fn s3cmd_back(&self, dir: &str, round: u32) -> Job {
        let measured = self.aws_tree(&self.tree(dir, "s3cmd", round), "back");
        Job { tool: "s3cmd", measured, back: Back::Whole, ..Job::default() }
    }

    /// `peers.py` with `arguments`.
    pub(super) fn python(&self, arguments: &[&str]) -> Words {
        let mut line = vec![self.tools.python.clone(), self.script.clone()];
        line.extend(arguments.iter().map(ToString::to_string));
        line
    }

    fn ours(&self, arguments: &[&str]) -> Words {
        words(&self.tools.ours, &[arguments, &OURS_KEY].concat())
    }

    fn aws(&self, arguments: &[&str], options: &[&str]) -> Words {
        words(&self.tools.aws, &[&["s3", "cp"], arguments, options].concat())
    }

    fn aws_tree(&self, from: &str, to: &str) -> Words {
        self.aws(&[AWS_QUIET, "--recursive", from, to], &AWS)
    }

    fn address(&self, name: &str) -> String {
        format!("s3://{}/{name}", self.bucket)
    }

    fn remote(&self, name: &str) -> String {
        format!("bench:{}/{name}", self.bucket)
    }

    fn tree(&self, dir: &str, tool: &str, round: u32) -> String {
        self.address(&format!("{dir}-{tool}-{round}/"))
    }

    fn remote_tree(&self, dir: &str, round: u32) -> String {
        self.remote(&format!("{dir}-rclone-{round}"))
    }
}

fn words(program: &str, arguments: &[&str]) -> Words {
    let arguments = arguments.iter().map(ToString::to_string);
    std::iter::once(program.to_owned()).chain(arguments).collect()
}

/// Without AWS_CA_BUNDLE, which it looks at and cannot use; it is told the same in a variable of
/// its own.
fn rclone(verb: &str, from: &str, to: &str, options: &[&str]) -> Words {
    let without_bundle = ["-u", "AWS_CA_BUNDLE", "rclone", verb, from, to, "--quiet"];
    words("env", &[&without_bundle, options].concat())
}

/// One curl for each part, at the same time; fails when one of them does.
fn parallel_curls(config: &str, output: &str) -> Words {
    let each = |index| match output {
        "" => format!("curl --config {config}-{index} & p{index}=$!"),
        output => format!("curl --config {config}-{index} {output}{index} & p{index}=$!"),
    };
    let start: Vec<String> = (0..STREAMS).map(each).collect();
    let wait: Vec<String> = (0..STREAMS).map(|index| format!("wait $p{index}")).collect();
    words("sh", &["-c", &format!("{}; {}", start.join("; "), wait.join(" && "))])
}
