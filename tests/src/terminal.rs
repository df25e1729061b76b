//! A command on a terminal, with somebody who reads and types.

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Nobody waits longer for a word.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command whose standard input and standard error are a terminal.
pub struct OnTerminal {
    child: Child,
    screen: File,
    said: Arc<Mutex<Vec<u8>>>,
}

impl OnTerminal {
    pub(crate) fn start(mut command: Command) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
        let open = || File::options().read(true).write(true).open(&name).unwrap();
        command.stdin(Stdio::from(open())).stderr(Stdio::from(open())).stdout(Stdio::null());
        let child = command.spawn().unwrap();
        // The command keeps its ends of the terminal; ours go, so that reading it ends with them.
        drop(command);
        let screen = File::from(screen);
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let (mut reader, heard) = (screen.try_clone().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal that nobody has open any more is an error, and the end.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                heard.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { child, screen, said }
    }

    /// All that was shown so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits until this is shown.
    pub async fn until(&self, text: &str) {
        let start = Instant::now();
        while !self.said().contains(text) {
            assert!(start.elapsed() < PATIENCE, "{text:?} was not shown, but {:?}", self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn types(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().expect("it is still running")).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// The exit code, and all that was shown.
    pub async fn end(mut self) -> (Option<i32>, String) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait());
        let status = ended.await.expect("the command ends").unwrap();
        // What it wrote last may still be on its way to the reader.
        tokio::time::sleep(Duration::from_millis(100)).await;
        (status.code(), self.said())
    }
}
