//! What the commands share: options, output, and how to reach keys and gateway.

use crate::args::Global;
use crate::output::Output;
use crate::progress::{Progress, Total};
use crate::report::Failure;
use crate::{interrupt, keys};
use s3_ssec::core::endpoint::PlainHttp;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::{Client, Options, StateDir, Timeouts};
use std::path::PathBuf;
use std::time::Duration;

/// One run of the command.
pub(crate) struct Session {
    pub(crate) global: Global,
    pub(crate) output: Output,
}

impl Session {
    /// The keys that the options name.
    pub(crate) fn keyring(&self) -> Result<Keyring, Failure> {
        keys::keyring(&self.global)
    }

    /// A client for the gateway. Nothing is sent yet.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let client = Client::connect(&self.options()).await?;
        Ok(match state_dir() {
            Some(path) => client.with_state(StateDir::new(path)),
            None => client,
        })
    }

    /// A client for the same gateway with another user's credentials.
    pub(crate) async fn client_of(&self, profile: &str, first: &Client) -> Result<Client, Failure> {
        let mut options = self.options();
        options.profile = Some(profile.to_owned());
        options.endpoint = Some(first.endpoint().as_str().to_owned());
        Ok(Client::connect(&options).await?)
    }

    /// A transfer that can be watched and stopped.
    pub(crate) fn progress(&self, total: Total) -> Progress {
        let progress = Progress::new(self.output, total);
        interrupt::stop_on_signal(&progress.watch, self.output);
        progress
    }

    fn options(&self) -> Options {
        let mut options = Options::default();
        options.endpoint = self.global.endpoint.clone();
        options.region = self.global.region.clone();
        options.profile = self.global.profile.clone();
        options.ca_bundle = self.global.ca_bundle.clone();
        if self.global.plain_http_loopback {
            options.plain_http = PlainHttp::LoopbackOnly;
        }
        let silence = Duration::from_secs(self.global.timeout);
        options.timeouts = Timeouts { connect: options.timeouts.connect.min(silence), silence };
        options
    }
}

/// `$XDG_STATE_HOME/s3-ssec`, or `~/.local/state/s3-ssec`. Relative paths do not count (XDG Base
/// Directory Specification).
pub(crate) fn state_dir() -> Option<PathBuf> {
    let absolute =
        |variable| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    absolute("XDG_STATE_HOME").or_else(home).map(|state| state.join("s3-ssec"))
}
