//! What is remembered of a cluster between two commands: one JSON file in its run directory.

use super::paths::{self, Version};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Where the OSD keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// Bluestore in a sparse file: survives `kill -9` of everything.
    Disk,
    /// Memory: a new empty cluster at each start, in 2 seconds.
    Memory,
}

impl Store {
    /// The name that Ceph has for it.
    pub(super) fn osd_objectstore(self) -> &'static str {
        match self {
            Store::Disk => "bluestore",
            Store::Memory => "memstore",
        }
    }
}

/// Options of the gateway, set until the next `up` or `restart`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options(BTreeMap<String, String>);

impl Options {
    /// Reads `name=value` words.
    pub(crate) fn parse(words: &[&String]) -> Result<Options> {
        let mut options = BTreeMap::new();
        for word in words {
            match word.split_once('=') {
                Some((name, value)) if is_option_name(name) && !value.contains('\n') => {
                    options.insert(name.to_owned(), value.to_owned());
                }
                _ => bail!("`{word}` is no option\nWrite it as in ceph.conf: name=value"),
            }
        }
        Ok(Options(options))
    }

    /// Name and value of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

fn is_option_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The ports of one cluster: a block that begins here.
///
/// Below the range from which the kernel gives ports to outgoing connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports(u16);

impl Ports {
    const FIRST: u16 = 20_000;
    const BLOCK: u16 = 40;
    const BLOCKS: u16 = 300;

    pub(super) fn mon(self) -> u16 {
        self.0
    }

    pub(super) fn http(self) -> u16 {
        self.0 + 1
    }

    pub(super) fn https(self) -> u16 {
        self.0 + 2
    }

    /// The OSD takes about eight of them and finds free ones by itself.
    pub(super) fn osd(self) -> RangeInclusive<u16> {
        self.0 + 8..=self.0 + Self::BLOCK - 1
    }

    /// Whether nobody listens on the ports that have to be ours.
    pub(super) fn are_free(self) -> bool {
        [self.mon(), self.http(), self.https()]
            .iter()
            .all(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    /// Chooses a free block that no other cluster of this user remembers as its own.
    pub(super) fn choose(run_dir: &Path) -> Result<Ports> {
        let taken = remembered_blocks(run_dir)?;
        let hash = paths::hash(run_dir.as_os_str().as_encoded_bytes());
        let start = u16::try_from(hash % u32::from(Self::BLOCKS))?;
        (0..Self::BLOCKS)
            .map(|step| Ports(Self::FIRST + (start + step) % Self::BLOCKS * Self::BLOCK))
            .find(|ports| !taken.contains(&ports.0) && ports.are_free())
            .context("no free block of ports between 20000 and 32000")
    }
}

fn remembered_blocks(except: &Path) -> Result<Vec<u16>> {
    let mut blocks = Vec::new();
    for lab in subdirectories(&paths::all_labs()?) {
        for run in subdirectories(&lab) {
            if run != except
                && let Ok(state) = State::load(&run)
            {
                blocks.push(state.ports.0);
            }
        }
    }
    Ok(blocks)
}

fn subdirectories(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// All that is remembered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// The cluster's identity, a UUID.
    pub(super) fsid: String,
    /// Release found in the packages, such as `18.2.7`.
    pub(super) release: String,
    /// The ports in use, or used last.
    pub(super) ports: Ports,
    /// The monitor port that the monitor's own map holds.
    pub(super) monmap_port: u16,
    /// Kind of data store.
    pub(super) store: Store,
    /// Options of the gateway.
    pub(super) options: Options,
    /// The stores of monitor and OSD exist.
    pub(super) made: bool,
    /// The test users exist.
    pub(super) users: bool,
    /// Process IDs by daemon: `mon`, `osd`, `rgw`.
    pub(super) pids: BTreeMap<String, i32>,
}

impl State {
    /// The state of a cluster that was never up.
    pub(super) fn new(run_dir: &Path, store: Store) -> Result<State> {
        let ports = Ports::choose(run_dir)?;
        Ok(State {
            fsid: new_uuid()?,
            release: String::new(),
            ports,
            monmap_port: ports.mon(),
            store,
            options: Options::default(),
            made: false,
            users: false,
            pids: BTreeMap::new(),
        })
    }

    /// Reads the state of the cluster in `run_dir`.
    pub(super) fn load(run_dir: &Path) -> Result<State> {
        let file = Self::file(run_dir);
        let text = fs::read_to_string(&file)?;
        let value = serde_json::from_str(&text).ok();
        value.and_then(|value: Value| State::from_json(&value)).with_context(|| {
            format!(
                "{} is damaged\nDelete the directory it is in, then start again.",
                file.display()
            )
        })
    }

    /// Writes the state; a reader sees the old one or the new one, whole.
    pub(super) fn save(&self, run_dir: &Path) -> Result<()> {
        let file = Self::file(run_dir);
        let unfinished = file.with_extension("part");
        fs::write(&unfinished, format!("{:#}\n", self.to_json()))?;
        Ok(fs::rename(unfinished, file)?)
    }

    /// Where the state of a cluster is kept.
    pub(super) fn file(run_dir: &Path) -> PathBuf {
        run_dir.join("state.json")
    }

    fn to_json(&self) -> Value {
        json!({
            "fsid": self.fsid,
            "release": self.release,
            "first_port": self.ports.0,
            "https_port": self.ports.https(),
            "http_port": self.ports.http(),
            "monmap_port": self.monmap_port,
            "store": self.store.osd_objectstore(),
            "options": self.options.0,
            "made": self.made,
            "users": self.users,
            "pids": self.pids,
        })
    }

    fn from_json(value: &Value) -> Option<State> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let port = |name: &str| value[name].as_u64().and_then(|n| u16::try_from(n).ok());
        let mut options = BTreeMap::new();
        for (name, value) in value["options"].as_object()? {
            options.insert(name.clone(), value.as_str()?.to_owned());
        }
        let mut pids = BTreeMap::new();
        for (name, pid) in value["pids"].as_object()? {
            pids.insert(name.clone(), i32::try_from(pid.as_i64()?).ok()?);
        }
        Some(State {
            fsid: text("fsid")?,
            release: text("release")?,
            ports: Ports(port("first_port")?),
            monmap_port: port("monmap_port")?,
            store: [Store::Disk, Store::Memory]
                .into_iter()
                .find(|store| value["store"] == store.osd_objectstore())?,
            options: Options(options),
            made: value["made"].as_bool()?,
            users: value["users"].as_bool()?,
            pids,
        })
    }
}

/// A new random UUID from the kernel.
pub(super) fn new_uuid() -> Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/uuid").context("gateways need Linux")?;
    Ok(text.trim().to_owned())
}

/// The directory lock under which a cluster is changed.
pub(super) fn lock(version: Version) -> Result<fs::File> {
    paths::lock(&paths::lab()?.join(format!("{version}.lock")))
}

/// The lock under which ports are chosen: one for all checkouts.
pub(super) fn lock_ports() -> Result<fs::File> {
    paths::lock(&paths::all_labs()?.join("ports.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            fsid: "f".into(),
            release: "18.2.7".into(),
            ports: Ports(20_040),
            monmap_port: 20_000,
            store: Store::Memory,
            options: Options::parse(&[&"rgw_crypt_require_ssl=false".to_owned()]).unwrap(),
            made: true,
            users: false,
            pids: [("rgw".to_owned(), 7)].into(),
        }
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        assert_eq!(State::from_json(&state().to_json()), Some(state()));
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let mut value = state().to_json();
        value["first_port"] = json!(70_000);
        assert_eq!(State::from_json(&value), None);
        assert_eq!(State::from_json(&json!({})), None);
    }

    #[test]
    fn options_have_names_of_options() {
        for bad in ["=x", "Name=x", "[osd]\na=b", "plain"] {
            assert!(Options::parse(&[&bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_port_in_use_is_seen() {
        let ports = (0..Ports::BLOCKS)
            .map(|n| Ports(Ports::FIRST + n * Ports::BLOCK))
            .find(|ports| ports.are_free())
            .unwrap();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, ports.https())).unwrap();
        assert!(!ports.are_free());
    }
}
