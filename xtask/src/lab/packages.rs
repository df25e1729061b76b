//! The distribution's packages of Ceph, unpacked into a cache, and the programs in them.
//!
//! `dpkg -x` unpacks; nothing is installed. The programs are started through the dynamic linker
//! that was unpacked beside them, so that a gateway of another suite runs on this machine.

use super::paths::{self, Version};
use crate::{output, project};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use xshell::Shell;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Names the mirror where apt's own configuration does not.
const MIRROR_VARIABLE: &str = "S3_SSEC_DEBIAN_MIRROR";
const PROGRAMS: [&str; 7] =
    ["radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "monmaptool", "osdmaptool", "rados"];
/// Daemons to keep of all that apt would install; beside them only libraries are kept.
const DAEMONS: [&str; 5] = ["radosgw", "ceph-mon", "ceph-osd", "ceph-base", "ceph-common"];
/// Libraries of interpreters, installers and the init system. No daemon of ours links them:
/// `check_libraries` would tell.
const UNNEEDED: [&str; 27] = [
    "libpython",
    "libperl",
    "liblvm",
    "libdbus",
    "libdevmapper",
    "libparted",
    "libpam",
    "libbinutils",
    "libctf",
    "libgprofng",
    "libdw1",
    "libelf",
    "libnewt",
    "libsemanage",
    "libapparmor",
    "libsystemd-shared",
    "libtext-",
    "libfile-",
    "libnumber-",
    "libdebhelper",
    "libglib2",
    "libcryptsetup",
    "libnvme",
    "libgdbm",
    "libdb5",
    "libext2fs",
    "libss2",
];

/// Shared libraries of one release.
pub(super) struct Libraries {
    /// The directory that holds them.
    pub(super) dir: PathBuf,
}

/// A program of one release, with the configuration of this checkout's cluster.
pub(super) struct Tool {
    linker: PathBuf,
    libraries: PathBuf,
    program: PathBuf,
    config: PathBuf,
}

/// Makes sure that the packages of `version` are there; fetches them the first time.
pub(super) fn ensure(sh: &Shell, version: Version) -> Result<()> {
    let root = paths::unpacked(version)?;
    if root.exists() {
        return Ok(());
    }
    require_debian()?;
    let _lock = paths::lock(&root.with_extension("lock"))?;
    if root.exists() {
        return Ok(());
    }
    let start = Instant::now();
    let apt = Apt::new(sh, version)?;
    let packages = apt.resolve()?;
    output::say(format_args!("{version}: fetching {} packages", packages.len()));
    let unfinished = root.with_extension("part");
    remove(&unfinished)?;
    apt.unpack(&packages, &unfinished)?;
    merge_library_directories(sh, &unfinished)?;
    check_libraries(&unfinished)?;
    fs::rename(&unfinished, &root)?;
    remove(&apt.dir)?;
    output::say(format_args!("{version}: fetched in {} s", start.elapsed().as_secs()));
    Ok(())
}

/// Where the libraries of `version` are.
pub(super) fn libraries(version: Version) -> Result<Libraries> {
    Ok(Libraries { dir: library_dir(&paths::unpacked(version)?) })
}

/// The program `name` of `version`.
pub(super) fn tool(version: Version, name: &str) -> Result<Tool> {
    let root = paths::unpacked(version)?;
    let config = paths::run_dir(version)?.join("ceph.conf");
    ensure!(
        config.exists(),
        "gateway {version} was never up\nStart it: cargo xtask rgw up {version}"
    );
    Tool::in_root(&root, name, config)
}

impl Tool {
    fn in_root(root: &Path, name: &str, config: PathBuf) -> Result<Tool> {
        let program = root.join("usr/bin").join(name);
        ensure!(program.is_file(), "no program `{name}` there\nThere are {}.", PROGRAMS.join(", "));
        let libraries = library_dir(root);
        Ok(Tool { linker: libraries.join(linker_name()), libraries, program, config })
    }

    /// The command that runs it, without arguments.
    pub(super) fn command(&self) -> Command {
        let mut command = self.linked();
        command.arg(&self.program).arg("-c").arg(&self.config);
        command
    }

    /// Runs it in the foreground, for a person.
    pub(super) fn run(&self, arguments: &[String]) -> Result<()> {
        let status = self.command().args(arguments).status()?;
        ensure!(status.success(), "{} ended with {status}", self.program.display());
        Ok(())
    }

    /// Runs it and returns its standard output; its messages become the error.
    pub(super) fn read(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command().args(arguments).output()?;
        if !output.status.success() {
            let messages = String::from_utf8_lossy(&output.stderr);
            bail!("{} failed:\n{}", self.program.display(), last_lines(&messages, 8));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn linked(&self) -> Command {
        let mut path = self.libraries.clone().into_os_string();
        path.push(":");
        path.push(self.libraries.join("ceph"));
        let mut command = Command::new(&self.linker);
        command.arg("--library-path").arg(path);
        command
    }

    fn missing_libraries(&self) -> Result<Vec<String>> {
        let output = self.linked().arg("--list").arg(&self.program).output()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let missing = |line: &&str| line.contains("not found") || line.contains("cannot open");
        Ok(text.lines().filter(missing).map(|line| line.trim().to_owned()).collect())
    }
}

/// The last `count` lines of `text`.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn require_debian() -> Result<()> {
    if project::program_in_path("apt-get").is_none() || project::program_in_path("dpkg").is_none() {
        bail!(
            "a local gateway needs apt-get and dpkg, and this machine has none\n\
             Use a gateway of your own: `demo` and `test` take --endpoint URL."
        );
    }
    ensure!(
        Path::new(KEYRING).exists(),
        "a local gateway needs the keys that sign Debian's packages, and {KEYRING} is not there\n\
         Install debian-archive-keyring, or give `demo` and `test` --endpoint URL."
    );
    Ok(())
}

/// An apt with its own state: knows one suite, and that nothing is installed.
struct Apt<'a> {
    sh: &'a Shell,
    dir: PathBuf,
    options: Vec<String>,
}

impl<'a> Apt<'a> {
    fn new(sh: &'a Shell, version: Version) -> Result<Apt<'a>> {
        let dir = paths::unpacked(version)?.with_extension("apt");
        remove(&dir)?;
        fs::create_dir_all(dir.join("lists/partial"))?;
        fs::create_dir_all(dir.join("cache/archives/partial"))?;
        fs::write(dir.join("status"), "")?;
        let suite = version.suite();
        let source = format!("deb [signed-by={KEYRING}] {} {suite} main\n", mirror(sh)?);
        fs::write(dir.join("sources.list"), source)?;
        let at = |option: &str, name: &str| format!("{option}={}", dir.join(name).display());
        let options = vec![
            at("Dir::State", ""),
            at("Dir::State::lists", "lists"),
            at("Dir::State::status", "status"),
            at("Dir::Cache", "cache"),
            at("Dir::Etc::sourcelist", "sources.list"),
            "Dir::Etc::sourceparts=/dev/null".into(),
            "Acquire::Languages=none".into(),
            "Acquire::Retries=3".into(),
            // By itself apt only warns when a list cannot be fetched.
            "APT::Update::Error-Mode=any".into(),
            // Without root there is no other user to drop to, and no system to tell.
            "APT::Sandbox::User=".into(),
            "APT::Update::Post-Invoke::=:".into(),
            "Debug::NoLocking=1".into(),
        ];
        output::say(format_args!("{version}: reading the package lists of {suite}"));
        let apt = Apt { sh, dir, options };
        apt.get(&["update"], "the package lists cannot be read")?;
        Ok(apt)
    }

    /// The packages to fetch: what the daemons need to run, without what installing them needs.
    fn resolve(&self) -> Result<Vec<String>> {
        let arguments = ["install", "-y", "--no-install-recommends", "--print-uris"];
        let arguments = [&arguments[..], &["radosgw", "ceph-mon", "ceph-osd"]].concat();
        let answer = self.get(&arguments, "apt-get finds no way to install radosgw")?;
        let packages: Vec<String> =
            answer.lines().filter_map(package_name).filter(|name| is_needed(name)).collect();
        ensure!(!packages.is_empty(), "apt-get would install nothing");
        Ok(packages)
    }

    fn unpack(&self, packages: &[String], root: &Path) -> Result<()> {
        let archives = self.dir.join("cache");
        let _in_cache = self.sh.push_dir(&archives);
        let arguments: Vec<&str> =
            std::iter::once("download").chain(packages.iter().map(String::as_str)).collect();
        self.get(&arguments, "the packages cannot be fetched")?;
        fs::create_dir_all(root)?;
        for file in self.sh.read_dir(&archives)? {
            if file.extension().is_some_and(|extension| extension == "deb") {
                self.sh.cmd("dpkg").arg("-x").arg(&file).arg(root).quiet().run()?;
            }
        }
        // Documentation and configuration of an installation.
        for part in ["usr/share", "var", "etc"] {
            remove(&root.join(part))?;
        }
        Ok(())
    }

    fn get(&self, arguments: &[&str], problem: &str) -> Result<String> {
        let options = self.options.iter().flat_map(|option| ["-o", option.as_str()]);
        let command = self.sh.cmd("apt-get").arg("-q").args(options).args(arguments);
        let output = command.quiet().ignore_status().output()?;
        if !output.status.success() {
            let messages = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{problem}:\n{}\nIs the mirror reachable? Set {MIRROR_VARIABLE} to use another one.",
                last_lines(&messages, 5)
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The Debian mirror of this machine, asked of apt itself, whatever its file formats are.
fn mirror(sh: &Shell) -> Result<String> {
    if let Ok(mirror) = sh.var(MIRROR_VARIABLE) {
        return Ok(mirror);
    }
    let format = ["indextargets", "--no-release-info", "--format", "$(REPO_URI)"];
    let answer = sh.cmd("apt-get").args(format).arg("Created-By: Packages").quiet().read()?;
    answer.lines().find(|uri| is_debian_archive(uri)).map(str::to_owned).with_context(|| {
        format!("apt knows no Debian mirror\nSet {MIRROR_VARIABLE} to the address of one.")
    })
}

/// Debian's main archive ends in `/debian`, on every mirror.
fn is_debian_archive(uri: &str) -> bool {
    uri.trim_end_matches('/').ends_with("/debian")
}

/// Reads `'URI' name_version_arch.deb size hash`.
fn package_name(line: &str) -> Option<String> {
    let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
    rest.split_once('_').map(|(name, _)| name.to_owned())
}

fn is_needed(name: &str) -> bool {
    DAEMONS.contains(&name)
        || (name.starts_with("lib") && !UNNEEDED.iter().any(|prefix| name.starts_with(prefix)))
}

/// Makes one directory of `/lib` and `/usr/lib`, which older suites ship apart.
fn merge_library_directories(sh: &Shell, root: &Path) -> Result<()> {
    let old = root.join("lib");
    if old.is_dir() && !old.is_symlink() {
        let from = old.join(triplet()).join(".");
        sh.cmd("cp").arg("-a").arg(from).arg(library_dir(root)).quiet().run()?;
        remove(&old)?;
    }
    Ok(())
}

fn check_libraries(root: &Path) -> Result<()> {
    for name in PROGRAMS {
        let missing = Tool::in_root(root, name, PathBuf::new())?.missing_libraries()?;
        ensure!(missing.is_empty(), "{name} lacks libraries:\n{}", missing.join("\n"));
    }
    Ok(())
}

fn library_dir(root: &Path) -> PathBuf {
    root.join("usr/lib").join(triplet())
}

fn triplet() -> String {
    format!("{}-linux-gnu", std::env::consts::ARCH)
}

fn linker_name() -> &'static str {
    if cfg!(target_arch = "aarch64") { "ld-linux-aarch64.so.1" } else { "ld-linux-x86-64.so.2" }
}

/// Removes a directory with all in it; it is no error that it is not there.
pub(crate) fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_answer_of_apt() {
        let line = "'http://mirror.test/debian/pool/c/radosgw_18.2.7%2bds-1_amd64.deb' \
                    radosgw_18.2.7+ds-1_amd64.deb 9000 SHA256:00";
        assert_eq!(package_name(line).as_deref(), Some("radosgw"));
        assert_eq!(package_name("Reading package lists..."), None);
    }

    #[test]
    fn daemons_and_their_libraries_are_needed() {
        for needed in ["radosgw", "ceph-mon", "librados2", "libc6"] {
            assert!(is_needed(needed), "{needed}");
        }
        for unneeded in ["ceph-mgr", "python3", "libpython3.11", "systemd"] {
            assert!(!is_needed(unneeded), "{unneeded}");
        }
    }

    #[test]
    fn the_main_archive_is_told_from_others() {
        assert!(is_debian_archive("http://mirror.test/debian/"));
        assert!(!is_debian_archive("http://mirror.test/debian-security/"));
        assert!(!is_debian_archive("http://mirror.test/node_20.x/"));
    }

    #[test]
    fn only_the_last_lines_are_shown() {
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }
}
