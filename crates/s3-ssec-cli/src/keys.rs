//! Where the keys of a command come from: a file, a descriptor or another command, never the command
//! line. What is said on the command line outranks the environment, and that the config file.

pub(crate) mod config;
pub(crate) mod file;
pub(crate) mod need;
pub(crate) mod place;
pub(crate) mod scope;
pub(crate) mod sealed;
pub(crate) mod typed;

use crate::args::Global;
use crate::report::{About as _, Exit, Failure};
use config::Config;
use need::Need;
use s3_ssec::core::keyfile::{KEY_FILE_MAX, KeyFile};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::legacy::Encoding;
use s3_ssec::core::names::{self, S3Address};
use scope::Waiting;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

const VARIABLE: &str = "S3_SSEC_KEY_FILE";
const NAME_A_KEY: &str = "Name your key file with --key-file FILE or S3_SSEC_KEY_FILE; make one with \
                          s3-ssec key new.";

/// Where keys are read from.
#[derive(PartialEq)]
pub(crate) enum KeySource {
    File(PathBuf),
    Command(String),
    /// A file descriptor that was open when the command began.
    Descriptor(u16),
}

/// Keys with where they came from and how they were written.
pub(crate) struct Found {
    pub(crate) source: KeySource,
    pub(crate) file: KeyFile,
    pub(crate) encoding: Encoding,
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::File(path) => path.display().fmt(f),
            // Not the command itself: it may name things that are not for the log.
            KeySource::Command(_) => f.write_str("the key command"),
            KeySource::Descriptor(number) => write!(f, "file descriptor {number}"),
        }
    }
}

impl KeySource {
    /// What the options name, or else the environment.
    pub(crate) fn of(global: &Global) -> Result<Self, Failure> {
        let none = || Failure::new(Exit::Key, "no key is given", NAME_A_KEY);
        Self::named(global)?.ok_or_else(none)
    }

    fn named(global: &Global) -> Result<Option<Self>, Failure> {
        let variable = || std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
        let file = |holder: &str, path: PathBuf| {
            typed::refuse(holder, &path).map(|()| Some(KeySource::File(path)))
        };
        match (&global.key_file, &global.key_command, global.key_fd) {
            (None, None, None) => variable().map_or(Ok(None), |path| file(VARIABLE, path.into())),
            (Some(path), None, None) => file("--key-file", path.clone()),
            (None, Some(command), None) => Ok(Some(KeySource::Command(command.clone()))),
            (None, None, Some(number)) => Ok(Some(KeySource::Descriptor(number))),
            _ => Err(Failure::new(
                Exit::Usage,
                "more than one of --key-file, --key-command and --key-fd is given",
                "Leave one of them.",
            )),
        }
    }

    /// Reads the keys and says how they were written.
    pub(crate) fn read(self) -> Result<Found, Failure> {
        let bytes = self.bytes()?;
        let (file, encoding) = KeyFile::read(&bytes).about(&self)?;
        Ok(Found { source: self, file, encoding })
    }

    /// Reads whatever is there.
    pub(crate) fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match self {
            KeySource::File(path) => file::read(path),
            KeySource::Command(command) => run(command),
            KeySource::Descriptor(number) => file::read_descriptor(*number),
        }
    }
}

/// The keys for these places: those that the options or the environment name, or else those of the
/// config file. They wait to be admitted to a gateway.
pub(crate) fn waiting(global: &Global, need: &Need) -> Result<Waiting, Failure> {
    if let Some(source) = KeySource::named(global)? {
        let file = match &source {
            KeySource::File(path) => Some(path.clone()),
            KeySource::Command(_) | KeySource::Descriptor(_) => None,
        };
        return Ok(Waiting::new(ring(source)?, file));
    }
    match Config::read()? {
        Some(config) => config.keys(need),
        None => Err(Failure::new(Exit::Key, "no key is given", NAME_A_KEY)),
    }
}

fn ring(source: KeySource) -> Result<Keyring, Failure> {
    let Found { source, file, .. } = source.read()?;
    file.into_keyring().about(&source)
}

/// The keys of this file, the first of which writes, and behind them those that the options, the
/// environment or the config file name for what is at `place`.
pub(crate) fn waiting_behind(
    first: &Path,
    global: &Global,
    place: &S3Address,
) -> Result<Waiting, Failure> {
    typed::refuse("--to", first)?;
    let target = ring(KeySource::File(first.to_owned()))?;
    let other = match KeySource::named(global)? {
        Some(source) => Some(ring(source)?),
        None => match Config::read()? {
            Some(config) => config.keys_if_any(&Need::to_read(place))?,
            None => None,
        },
    };
    let keys = match other {
        Some(other) => target.join(other).map_err(|error| {
            let todo = "A master key is newly made, never a direct key under another name: s3-ssec key \
                        new.";
            Failure::from(error).about(&first.display()).instead(todo)
        })?,
        None => target,
    };
    Ok(Waiting::new(keys, Some(first.to_owned())))
}

/// Reads keys from standard input.
pub(crate) fn from_stdin() -> Result<Zeroizing<Vec<u8>>, Failure> {
    read_bounded(&mut io::stdin().lock()).map_err(|error| {
        let what = format!("standard input cannot be read: {error}");
        Failure::new(Exit::Key, what, "Send the key into it, or name a file.")
    })
}

/// Reads all of a small stream into memory that is wiped, one byte more than allowed to notice
/// what is too long. Never grows: growing would leave pieces of keys behind.
fn read_bounded(reader: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    read_at_most(reader, KEY_FILE_MAX)
}

fn read_at_most(reader: &mut impl Read, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; most + 1]);
    let mut length = 0;
    while length < bytes.len() {
        match reader.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Runs a key command. It may talk to the person on standard error and the terminal.
fn run(command: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |what: String| {
        Failure::new(Exit::Key, what, "Run the command of --key-command by itself and look.")
    };
    let mut child = shell(command)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("the key command cannot be started: {error}")))?;
    let bytes = match &mut child.stdout {
        Some(stdout) => read_bounded(stdout),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    };
    // Closed before the wait: a command that prints without end must not hold us up.
    drop(child.stdout.take());
    let status = child.wait().map_err(|error| failed(format!("the key command: {error}")))?;
    let bytes = bytes.map_err(|error| failed(format!("the key command: {error}")))?;
    if bytes.len() > KEY_FILE_MAX {
        return Err(failed("the key command printed more than a key file can have".to_owned()));
    }
    if !status.success() {
        return Err(failed(format!("the key command failed: {status}")));
    }
    if bytes.is_empty() {
        return Err(failed("the key command printed nothing".to_owned()));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}

/// How an encoding is named in JSON.
pub(crate) fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::KeyFile => "key-file",
        Encoding::Raw => "raw",
        Encoding::RawWithNewline => "raw-with-newline",
        Encoding::Base64 => "base64",
        Encoding::Hex => "hex",
    }
}

/// How a path is written on a command line.
pub(crate) fn quoted(path: &Path) -> String {
    names::quoted(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_key_command_fails_clearly() {
        let cases = [
            ("exit 3", "the key command failed: exit status: 3"),
            ("true", "the key command printed nothing"),
            ("yes", "the key command printed more than a key file can have"),
            ("echo hello", "the key command: it is no key: it has 5 bytes"),
            ("echo one; echo two", "the key command: it is no key: it has 2 lines"),
            ("no-such-program-here 2>/dev/null", "the key command failed: exit status: 127"),
        ];
        for (command, what) in cases {
            let failure = KeySource::Command(command.to_owned()).read().err().unwrap();
            assert_eq!(failure.exit, Exit::Key, "{command}");
            assert!(failure.to_string().contains(what), "{failure}");
        }
        let found = KeySource::Command("printf %032d 7".to_owned()).read().unwrap();
        assert_eq!(found.encoding, Encoding::Raw);
    }

    #[test]
    fn paths_can_be_pasted() {
        assert_eq!(quoted(Path::new("~/a-b.key")), "~/a-b.key");
        assert_eq!(quoted(Path::new("my key's")), r"'my key'\''s'");
    }
}
