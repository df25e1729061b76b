//! Real Ceph RADOS Gateways on loopback, without root, containers or an installation.
//!
//! The distribution's own packages are unpacked into a cache and started through their own
//! dynamic linker. A cluster is one monitor, one OSD and one gateway; see `cluster`.

mod certificate;
mod cluster;
mod config;
pub(crate) mod garage;
mod keeper;
mod packages;
mod paths;
mod process;
mod state;

pub(crate) use certificate::Tls;
pub(crate) use keeper::keep;
pub(crate) use packages::remove as remove_dir;
pub(crate) use paths::{Version, cache, hash, lock};
pub(crate) use state::{Options, Store};

use crate::flags::{self, RgwCmd};
use crate::output;
use anyhow::{Context, Result, bail};
use cluster::Cluster;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::PathBuf;
use xshell::Shell;

/// The region that requests are signed for; RGW takes any.
pub(crate) const REGION: &str = "us-east-1";

/// A pair of test credentials. They are public: never use them anywhere else.
pub(crate) struct TestUser {
    /// The user's name in the gateway.
    pub(crate) name: &'static str,
    /// Access key ID.
    pub(crate) access_key: &'static str,
    /// Secret access key.
    pub(crate) secret_key: &'static str,
}

/// The user that tests and demo act as.
pub(crate) const LAB: TestUser = TestUser {
    name: "lab",
    access_key: "TESTONLYACCESSKEY001",
    secret_key: "testOnlySecretKey00000000000000000000001",
};

/// Somebody else, for what a stranger may not do.
pub(crate) const LAB2: TestUser = TestUser {
    name: "lab2",
    access_key: "TESTONLYACCESSKEY002",
    secret_key: "testOnlySecretKey00000000000000000000002",
};

/// A gateway that runs.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    /// Which one.
    pub(crate) version: Version,
    /// The release that was found, such as `18.2.7`.
    pub(crate) release: String,
    /// Its TLS endpoint.
    pub(crate) https: String,
    /// Its plain endpoint, on the same data.
    pub(crate) http: String,
    /// The gateway's log at its default level.
    pub(crate) log: PathBuf,
    /// Configuration, logs and data of this cluster.
    pub(crate) run_dir: PathBuf,
}

impl Gateway {
    /// The entry of this gateway in the file that the live tests read.
    pub(crate) fn to_json(&self) -> Result<Value> {
        Ok(json!({
            "version": self.version.to_string(),
            "release": self.release,
            "https": self.https,
            "http": self.http,
            "access_key": LAB.access_key,
            "secret_key": LAB.secret_key,
            "access_key_2": LAB2.access_key,
            "secret_key_2": LAB2.secret_key,
            "ca": tls()?.ca,
            "log": self.log,
            "crashes": keeper::file(&self.run_dir),
            "run_dir": self.run_dir,
        }))
    }

    /// The variables that AWS tools and ours look at, in the order of reading.
    pub(crate) fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        Ok(vec![
            ("AWS_ENDPOINT_URL_S3", self.https.clone()),
            ("AWS_CA_BUNDLE", tls()?.ca.display().to_string()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", LAB.access_key.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", LAB.secret_key.to_owned()),
        ])
    }
}

/// The certificates of this checkout's gateways, made at the first use.
pub(crate) fn tls() -> Result<Tls> {
    certificate::ensure()
}

/// Starts the gateway `version` unless it runs, and returns where it is.
pub(crate) fn up(sh: &Shell, version: Version, options: Options, store: Store) -> Result<Gateway> {
    // A directory that cannot be used is found before anything is fetched.
    paths::run_dir(version)?;
    packages::ensure(sh, version)?;
    Cluster::open(version)?.up(options, store)
}

/// Stops the gateway `version`; its data stay.
pub(crate) fn down(version: Version) -> Result<()> {
    Cluster::open(version)?.down()
}

/// The gateway `version`, if it runs now.
pub(crate) fn running(version: Version) -> Result<Option<Gateway>> {
    if !paths::run_dir(version)?.exists() {
        return Ok(None);
    }
    Ok(Cluster::peek(version)?.running())
}

/// Runs `cargo xtask rgw ...`.
pub(crate) fn run(sh: &Shell, flags: flags::Rgw) -> Result<()> {
    match flags.subcommand {
        RgwCmd::Up(flags) => {
            let store = if flags.memstore { Store::Memory } else { Store::Disk };
            let (versions, options) = read_arguments(&flags.what)?;
            for version in or_default(versions) {
                announce(&up(sh, version, options.clone(), store)?);
            }
        }
        RgwCmd::Restart(flags) => {
            let (versions, options) = read_arguments(&flags.what)?;
            for version in or_default(versions) {
                announce(&Cluster::open(version)?.restart(options.clone())?);
            }
        }
        RgwCmd::Down(flags) => {
            for version in or_existing(read_arguments(&flags.what)?.0)? {
                down(version)?;
                output::say(format_args!("{version}: down"));
            }
        }
        RgwCmd::Wipe(flags) => {
            let (versions, _) = read_arguments(&flags.what)?;
            if versions.is_empty() {
                bail!("wipe deletes data and has no default\nSay which: cargo xtask rgw wipe 18");
            }
            for version in versions {
                Cluster::open(version)?.wipe()?;
                output::say(format_args!("{version}: wiped"));
            }
        }
        RgwCmd::Env(flags) => print_environment(sh, flags.version)?,
        RgwCmd::Status(_) => print_status()?,
        RgwCmd::Run(flags) => {
            let version: Version = flags.version.parse()?;
            let (tool, arguments) = flags.command.split_first().context("run needs a program")?;
            packages::tool(version, tool)?.run(arguments)?;
        }
    }
    Ok(())
}

/// Lets the arguments of `rgw run VERSION TOOL ...` through as they are, dashes included.
pub(crate) fn keep_tool_arguments(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let runs_a_tool = arguments.first().is_some_and(|a| a == "rgw")
        && arguments.get(1).is_some_and(|a| a == "run");
    if runs_a_tool && arguments.get(3).is_some_and(|tool| tool != "--") {
        arguments.insert(3, "--".into());
    }
    arguments
}

fn read_arguments(what: &[String]) -> Result<(Vec<Version>, Options)> {
    let (options, versions): (Vec<&String>, Vec<&String>) =
        what.iter().partition(|w| w.contains('='));
    let versions = versions.into_iter().map(|text| text.parse()).collect::<Result<_>>()?;
    Ok((versions, Options::parse(&options)?))
}

fn or_default(versions: Vec<Version>) -> Vec<Version> {
    if versions.is_empty() { vec![Version::V18] } else { versions }
}

fn or_existing(versions: Vec<Version>) -> Result<Vec<Version>> {
    if !versions.is_empty() {
        return Ok(versions);
    }
    let mut existing = Vec::new();
    for version in Version::ALL {
        if paths::run_dir(version)?.exists() {
            existing.push(version);
        }
    }
    Ok(existing)
}

fn announce(gateway: &Gateway) {
    output::say(format_args!(
        "{}: release {} at {} and {}",
        gateway.version, gateway.release, gateway.https, gateway.http
    ));
}

fn print_environment(sh: &Shell, version: Option<String>) -> Result<()> {
    let version = version.map_or(Ok(Version::V18), |text| text.parse())?;
    let Some(gateway) = running(version)? else {
        bail!("gateway {version} does not run\nStart it: cargo xtask rgw up {version}");
    };
    for (name, value) in gateway.environment()? {
        output::line(format_args!("export {name}={value}"));
    }
    let lab_file = crate::project::lab_file(sh)?;
    output::line(format_args!("export AWS_DEFAULT_REGION={REGION}"));
    output::line(format_args!("export S3_SSEC_RGW_HTTP={}", gateway.http));
    output::line(format_args!("export S3_SSEC_RGW_RELEASE={}", gateway.release));
    output::line(format_args!("export S3_SSEC_RGW_ACCESS_KEY_2={}", LAB2.access_key));
    output::line(format_args!("export S3_SSEC_RGW_SECRET_KEY_2={}", LAB2.secret_key));
    if lab_file.exists() {
        output::line(format_args!("export S3_SSEC_LAB={}", lab_file.display()));
    }
    Ok(())
}

fn print_status() -> Result<()> {
    for version in Version::ALL {
        if paths::run_dir(version)?.exists() {
            output::line(Cluster::peek(version)?.status());
        } else {
            output::line(format_args!("{version}: none"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn versions_and_options_may_be_mixed() {
        let (versions, options) = read_arguments(&words("20 rgw_x=a=b 16")).unwrap();
        assert_eq!(versions, [Version::V20, Version::V16]);
        assert_eq!(options, Options::parse(&[&"rgw_x=a=b".to_owned()]).unwrap());
        assert!(read_arguments(&words("19")).is_err());
    }

    #[test]
    fn tool_arguments_keep_their_dashes() {
        let raw: Vec<OsString> =
            words("rgw run 18 rados -p pool ls").into_iter().map(Into::into).collect();
        let kept = keep_tool_arguments(raw);
        assert_eq!(kept[3], "--");
        assert_eq!(keep_tool_arguments(kept.clone()), kept);
    }
}
