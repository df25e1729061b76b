//! One monitor, one OSD, one gateway: made, started, stopped.
//!
//! No manager and no `ceph` command: the first map of the OSD is given to the monitor when its
//! store is made, and the OSD boots itself in.

use super::packages::{self, Tool};
use super::paths::{self, Version};
use super::process;
use super::state::{self, Options, Ports, State, Store};
use super::{Gateway, LAB, LAB2, TestUser, certificate, config};
use crate::output;
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the gateway may take until it answers; a monitor that was killed needs 16 s.
const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// Order of starting; stopping goes the other way.
const DAEMONS: [&str; 3] = ["mon", "osd", "rgw"];

/// How many lines of a crash are shown: the signal and the upper half of the stack.
const CRASH_LINES: usize = 24;

/// Options of every client tool: no monitor is asked for a configuration.
const CLIENT: [&str; 3] = ["-n", "client.admin", "--no-mon-config"];

/// A cluster of this checkout, locked against other commands while this value lives.
pub(super) struct Cluster {
    version: Version,
    run: PathBuf,
    state: Option<State>,
    _lock: Option<File>,
}

impl Cluster {
    /// Opens the cluster for changes; waits while another command changes it.
    pub(super) fn open(version: Version) -> Result<Cluster> {
        let lock = state::lock(version)?;
        Ok(Cluster { _lock: Some(lock), ..Cluster::peek(version)? })
    }

    /// Opens the cluster to look at it only.
    pub(super) fn peek(version: Version) -> Result<Cluster> {
        let run = paths::run_dir(version)?;
        let state = match State::file(&run).exists() {
            true => Some(State::load(&run)?),
            false => None,
        };
        Ok(Cluster { version, run, state, _lock: None })
    }

    /// Starts what does not run. A gateway that runs with other options is restarted.
    pub(super) fn up(&mut self, options: Options, store: Store) -> Result<Gateway> {
        let start = Instant::now();
        let same_options = self.state.as_ref().is_some_and(|state| state.options == options);
        if let Some(gateway) = self.running()
            && same_options
        {
            return Ok(gateway);
        }
        fs::create_dir_all(self.run.join("rgw"))?;
        let mut state = self.prepare(options, store)?;
        self.write_config(&state)?;
        state.release = self.release()?;
        self.make_stores(&mut state)?;
        self.start_daemons(&mut state)?;
        self.wait_until_ready(&state)?;
        self.make_users(&mut state)?;
        let gateway = self.gateway(&state);
        self.state = Some(state);
        output::say(format_args!("{}: up in {:.1} s", self.version, start.elapsed().as_secs_f64()));
        Ok(gateway)
    }

    /// Restarts the gateway alone, with `options` and no others.
    pub(super) fn restart(&mut self, options: Options) -> Result<Gateway> {
        let Some(state) = &self.state else {
            bail!("gateway {0} was never up\nStart it: cargo xtask rgw up {0}", self.version);
        };
        let store = state.store;
        self.stop("rgw")?;
        self.up(options, store)
    }

    /// Stops all daemons.
    pub(super) fn down(&mut self) -> Result<()> {
        DAEMONS.iter().rev().try_for_each(|daemon| self.stop(daemon))
    }

    /// Stops all daemons and deletes the data.
    pub(super) fn wipe(&mut self) -> Result<()> {
        self.down()?;
        self.state = None;
        packages::remove(&self.run)
    }

    /// Where the gateway is, if it runs.
    pub(super) fn running(&self) -> Option<Gateway> {
        let state = self.state.as_ref()?;
        DAEMONS.iter().all(|daemon| self.is_alive(state, daemon)).then(|| self.gateway(state))
    }

    /// Whether a daemon that was started, and not stopped, has ended.
    pub(super) fn has_ended(&self) -> bool {
        let Some(state) = &self.state else { return false };
        DAEMONS.iter().any(|d| state.pids.contains_key(*d) && !self.is_alive(state, d))
    }

    /// The gateway's log.
    pub(super) fn log(&self) -> PathBuf {
        self.run.join("rgw.log")
    }

    /// What the gateway's log says of its end: the signal and where it struck.
    pub(super) fn crash(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        match log.rfind("*** Caught signal") {
            // After the places comes a dump of the last ten thousand events.
            Some(start) => log[start..].lines().take(CRASH_LINES).collect::<Vec<_>>().join("\n"),
            None => self.last_words("rgw"),
        }
    }

    /// One line for a person.
    pub(super) fn status(&self) -> String {
        let Some(state) = &self.state else {
            return format!("{}: none", self.version);
        };
        let ports = state.ports;
        let mut line = format!(
            "{}: {} https {} http {}",
            self.version,
            state.release,
            ports.https(),
            ports.http()
        );
        for daemon in DAEMONS {
            match state.pids.get(daemon) {
                Some(&pid) if self.is_alive(state, daemon) => {
                    let mib = process::resident_mib(pid).unwrap_or_default();
                    line.push_str(&format!("  {daemon}={pid} ({mib} MiB)"));
                }
                _ => line.push_str(&format!("  {daemon}=down")),
            }
        }
        line
    }

    /// The state to start with: ports that are ours, a store of the wanted kind.
    fn prepare(&mut self, options: Options, store: Store) -> Result<State> {
        let _ports = state::lock_ports()?;
        let osd_alive = self.state.as_ref().is_some_and(|state| self.is_alive(state, "osd"));
        if osd_alive {
            self.stop("rgw")?;
        } else {
            self.down()?;
        }
        let mut state = match self.state.take() {
            Some(state) => state,
            None => State::new(&self.run, store)?,
        };
        // What is in memory is gone with its OSD; and another kind of store is another cluster.
        if !osd_alive && (store == Store::Memory || state.store != store) {
            state.made = false;
        }
        if !osd_alive {
            state.store = store;
            if !state.ports.are_free() {
                state.ports = Ports::choose(&self.run)?;
            }
        }
        state.options = options;
        state.save(&self.run)?;
        Ok(state)
    }

    fn write_config(&self, state: &State) -> Result<()> {
        let tls = certificate::ensure()?;
        let libraries = packages::libraries(self.version)?;
        Ok(fs::write(self.config(), config::text(&self.run, state, &libraries, &tls))?)
    }

    /// The release in the packages: `ceph version 18.2.7 (...) reef (stable)`.
    fn release(&self) -> Result<String> {
        let answer = self.tool("radosgw")?.read(&["--version"])?;
        let release = answer.split_whitespace().nth(2).context("radosgw tells no version")?;
        if !release.starts_with(&format!("{}.", self.version)) {
            output::say(format_args!(
                "{}: {} now has release {release}",
                self.version,
                self.version.suite()
            ));
        }
        Ok(release.to_owned())
    }

    fn make_stores(&self, state: &mut State) -> Result<()> {
        if state.made {
            return self.move_monitor(state);
        }
        for dir in ["mon", "osd"] {
            packages::remove(&self.run.join(dir))?;
            fs::create_dir_all(self.run.join(dir))?;
        }
        let map = self.make_monmap(state)?;
        let osdmap = self.path("osdmap");
        self.tool("osdmaptool")?.read(&["--createsimple", "1", "--clobber", &osdmap])?;
        self.tool("ceph-mon")?
            .read(&["--mkfs", "-i", "a", "--monmap", &map, "--osdmap", &osdmap])?;
        let uuid = state::new_uuid()?;
        self.tool("ceph-osd")?.read(&[
            "--mkfs",
            "-i",
            "0",
            "--no-mon-config",
            "--osd-uuid",
            &uuid,
        ])?;
        state.monmap_port = state.ports.mon();
        state.made = true;
        state.users = false;
        state.save(&self.run)
    }

    /// Tells a monitor whose port was taken by another program about its new one.
    fn move_monitor(&self, state: &mut State) -> Result<()> {
        if state.monmap_port == state.ports.mon() {
            return Ok(());
        }
        let map = self.make_monmap(state)?;
        self.tool("ceph-mon")?.read(&["-i", "a", "--inject-monmap", &map])?;
        state.monmap_port = state.ports.mon();
        state.save(&self.run)
    }

    fn make_monmap(&self, state: &State) -> Result<String> {
        let map = self.path("monmap");
        let address = format!("[v2:127.0.0.1:{}]", state.ports.mon());
        self.tool("monmaptool")?.read(&[
            "--create",
            "--clobber",
            "--fsid",
            &state.fsid,
            "--addv",
            "a",
            &address,
            &map,
        ])?;
        Ok(map)
    }

    fn start_daemons(&self, state: &mut State) -> Result<()> {
        let rgw = ["-n", "client.rgw", "--no-mon-config", "--setuser", "", "--setgroup", ""];
        self.start(state, "mon", "ceph-mon", &["-i", "a"])?;
        self.start(state, "osd", "ceph-osd", &["-i", "0", "--no-mon-config"])?;
        self.start(state, "rgw", "radosgw", &rgw)
    }

    fn start(&self, state: &mut State, daemon: &str, program: &str, args: &[&str]) -> Result<()> {
        if self.is_alive(state, daemon) {
            return Ok(());
        }
        let mut command = self.tool(program)?.command();
        command.args(args).arg("-f");
        let pid = process::spawn(command, &self.run.join(format!("{daemon}.out")))?;
        state.pids.insert(daemon.to_owned(), pid);
        state.save(&self.run)
    }

    fn wait_until_ready(&self, state: &State) -> Result<()> {
        let mut ended = None;
        let ready = process::wait_until(READY_TIMEOUT, || {
            ended = DAEMONS.into_iter().find(|daemon| !self.is_alive(state, daemon));
            ended.is_some() || answers(state.ports.http())
        });
        match ended {
            Some(daemon) => bail!("{}: {daemon} ended\n{}", self.version, self.last_words(daemon)),
            None if !ready => bail!(
                "{}: no answer within {} s\n{}",
                self.version,
                READY_TIMEOUT.as_secs(),
                self.last_words("rgw")
            ),
            None => Ok(()),
        }
    }

    fn make_users(&self, state: &mut State) -> Result<()> {
        if state.users {
            return Ok(());
        }
        for user in [LAB, LAB2] {
            self.make_user(&user)?;
        }
        state.users = true;
        state.save(&self.run)
    }

    fn make_user(&self, user: &TestUser) -> Result<()> {
        let admin = self.tool("radosgw-admin")?;
        let uid = format!("--uid={}", user.name);
        if admin.read(&[&CLIENT[..], &["user", "info", &uid]].concat()).is_ok() {
            return Ok(());
        }
        let name = format!("--display-name={}", user.name);
        let access = format!("--access-key={}", user.access_key);
        let secret = format!("--secret-key={}", user.secret_key);
        let create = ["user", "create", &uid, &name, &access, &secret];
        admin.read(&[&CLIENT[..], &create].concat())?;
        Ok(())
    }

    fn stop(&mut self, daemon: &str) -> Result<()> {
        let config = self.config();
        let Some(state) = &mut self.state else { return Ok(()) };
        let Some(pid) = state.pids.remove(daemon) else { return Ok(()) };
        process::stop(pid, &config)?;
        ensure!(!process::is_alive(pid, &config), "{daemon} (process {pid}) cannot be stopped");
        state.save(&self.run)
    }

    fn is_alive(&self, state: &State, daemon: &str) -> bool {
        state.pids.get(daemon).is_some_and(|&pid| process::is_alive(pid, &self.config()))
    }

    fn gateway(&self, state: &State) -> Gateway {
        Gateway {
            version: self.version,
            release: state.release.clone(),
            https: format!("https://localhost:{}", state.ports.https()),
            http: format!("http://127.0.0.1:{}", state.ports.http()),
            log: self.log(),
            run_dir: self.run.clone(),
        }
    }

    fn last_words(&self, daemon: &str) -> String {
        let last = |name: String| {
            let file = self.run.join(name);
            let text = fs::read(&file).unwrap_or_default();
            let lines = packages::last_lines(&String::from_utf8_lossy(&text), 5);
            format!("{}:\n{lines}", file.display())
        };
        [last(format!("{daemon}.out")), last(format!("{daemon}.log"))].join("\n")
    }

    fn tool(&self, name: &str) -> Result<Tool> {
        packages::tool(self.version, name)
    }

    fn config(&self) -> PathBuf {
        self.run.join("ceph.conf")
    }

    fn path(&self, name: &str) -> String {
        self.run.join(name).display().to_string()
    }
}

/// Whether somebody on `port` speaks HTTP.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 9];
        stream.read_exact(&mut start)?;
        Ok(start.starts_with(b"HTTP/1.1 "))
    };
    ask().unwrap_or(false)
}
