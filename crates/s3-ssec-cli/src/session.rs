//! What the commands share: options, output, and how to reach keys and gateway.
//!
//! A command gets its keys together with the client that they are for, by [`Session::keyed`]: only
//! keys that the gateway may see.

use crate::args::Global;
use crate::keys::need::Need;
use crate::keys::place::Place;
use crate::keys::scope::{Admitted, Waiting};
use crate::memory::{Copied, Memory};
use crate::output::Output;
use crate::progress::{Progress, Total};
use crate::report::{Exit, Failure};
use crate::text::today;
use crate::{interrupt, keys};
use s3_ssec::core::endpoint::PlainHttp;
use s3_ssec::core::key::{Fingerprint, Key};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::weakness;
use s3_ssec::{Client, Options, SetupError, StateDir, Timeouts};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One run of the command.
pub(crate) struct Session {
    pub(crate) global: Global,
    pub(crate) output: Output,
    pub(crate) memory: Memory,
    used: Arc<Mutex<Used>>,
}

/// What this run did with keys, for the end of it.
#[derive(Default)]
struct Used {
    /// Keys that the gateway confirmed: it has them, and encrypts with them.
    confirmed: Vec<Fingerprint>,
    /// Keys that were used for the first time, where, and whether that could be remembered.
    bound: Option<Bound>,
    left_out: Vec<Fingerprint>,
    writer: Option<Writer>,
    /// A rule of the config file refuses what is not under a master key.
    require_master: bool,
    /// What is to be said of a key without a copy.
    remark: Option<(Fingerprint, String)>,
}

/// Keys that belong to a place from now on.
struct Bound {
    keys: Vec<Fingerprint>,
    place: Place,
    done: Result<(), Failure>,
}

/// The key that uploads get.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) key: Fingerprint,
    /// Where it stands, if in a file.
    pub(crate) file: Option<PathBuf>,
    /// False if others stand beside it.
    pub(crate) is_alone: bool,
}

impl Session {
    pub(crate) fn new(global: Global, output: Output) -> Self {
        let memory = Memory::new(state_dir().as_deref());
        Self { global, output, memory, used: Arc::default() }
    }

    /// A client for the gateway, with the keys for these places that it may see. Nothing is sent
    /// yet.
    pub(crate) async fn keyed(&self, need: &Need) -> Result<(Client, Keyring), Failure> {
        let waiting = keys::waiting(&self.global, need)?;
        let client = self.client().await?;
        let keys = self.admit(waiting, &client, need)?;
        Ok((client, keys))
    }

    /// True if a rule of the config file refuses what is not under a master key: known when the keys
    /// are.
    pub(crate) fn requires_master(&self) -> bool {
        self.used().require_master
    }

    /// Keys whose headers are going to be shown. Where no endpoint is set, no gateway is meant.
    pub(crate) async fn keys_to_show(
        &self,
        need: &Need,
    ) -> Result<(Option<Client>, Keyring), Failure> {
        let waiting = keys::waiting(&self.global, need)?;
        if need.is_nowhere() {
            return Ok((None, waiting.anywhere().keys));
        }
        match self.connect().await {
            Err(SetupError::NoEndpoint) => Ok((None, waiting.anywhere().keys)),
            Err(error) => Err(error.into()),
            Ok(client) => {
                let keys = self.admit(waiting, &client, need)?;
                Ok((Some(client), keys))
            }
        }
    }

    /// The keys that the gateway of this client may see, or a refusal before anything is sent.
    pub(crate) fn admit(
        &self,
        waiting: Waiting,
        client: &Client,
        need: &Need,
    ) -> Result<Keyring, Failure> {
        let is_alone = waiting.is_one_key();
        let admitted = match self.global.any_endpoint {
            true => waiting.anywhere(),
            false => waiting.admit(&self.memory.read()?, client.endpoint(), need)?,
        };
        let Admitted { keys, new, left_out, file, require_master } = admitted;
        if !new.is_empty() {
            self.memory.want_lasting()?;
        }
        if need.is_to_write() {
            self.warn_of_weak(keys.writer());
        }
        let mut used = self.used();
        used.writer = Some(Writer { key: keys.writer().fingerprint(), file, is_alone });
        used.left_out = left_out;
        used.require_master = require_master;
        drop(used);
        self.bind_on_first_echo(client, new);
        Ok(keys)
    }

    /// Remembers that a new key belongs to this gateway, as soon as it confirms that one: whatever becomes
    /// of the command, the key was there. An endpoint with a typing error confirms none.
    fn bind_on_first_echo(&self, client: &Client, new: Vec<Fingerprint>) {
        let (memory, used) = (self.memory.clone(), Arc::clone(&self.used));
        let place = Place::new(client.endpoint(), None);
        client.on_first_echo(move |key| {
            let done = new.contains(&key).then(|| memory.bind(&[key], &place));
            let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
            used.confirmed.push(key);
            match (done, &mut used.bound) {
                (None, _) => {}
                (Some(done), Some(bound)) => {
                    bound.keys.push(key);
                    bound.done = std::mem::replace(&mut bound.done, Ok(())).and(done);
                }
                (Some(done), none) => {
                    *none = Some(Bound { keys: vec![key], place: place.clone(), done });
                }
            }
        });
    }

    /// Warns of a key that looks easy to guess.
    pub(crate) fn warn_of_weak(&self, key: &Key) {
        if let Some(weakness) = weakness::of(key) {
            self.output.note(format_args!(
                "warning: the key {} is weak, {weakness}; make a better one with s3-ssec key new, \
                 and copy your objects to it",
                key.fingerprint()
            ));
        }
    }

    /// A client for the gateway. Nothing is sent yet.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Ok(self.connect().await?)
    }

    async fn connect(&self) -> Result<Client, SetupError> {
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

    /// The key that writes, if no copy of it is known and nobody was told.
    pub(crate) fn writer_without_copy(&self) -> Result<Option<Writer>, Failure> {
        let Some(writer) = self.used().writer.clone() else { return Ok(None) };
        let known = match self.memory.read() {
            // Of keys that may go anywhere nothing has to be known.
            Err(_) if self.global.any_endpoint => return Ok(None),
            known => known?,
        };
        let notes = known.notes(writer.key);
        let told = notes.is_some_and(|n| !n.copies.is_empty() || n.reminded.is_some());
        Ok((!told).then_some(writer))
    }

    /// Says this at the end, if the gateway confirmed the key.
    pub(crate) fn remark_on_copy(&self, key: Fingerprint, remark: String) {
        self.used().remark = Some((key, remark));
    }

    /// Somebody was told that there is no copy of a key.
    pub(crate) fn reminded(&self, key: Fingerprint) {
        let done = self.memory.change(|known| known.notes_mut(key).reminded = Some(today()));
        self.or_note(done);
    }

    /// A copy of these keys was made, or was seen to work.
    pub(crate) fn copied(&self, form: &str, keys: impl IntoIterator<Item = Fingerprint>) {
        let copy = Copied { form: form.to_owned(), date: today() };
        let done = self.memory.change(|known| {
            for key in keys {
                let copies = &mut known.notes_mut(key).copies;
                copies.retain(|known| known.form != copy.form);
                copies.push(copy.clone());
            }
        });
        self.or_note(done);
    }

    /// Says at the end of a command, however it ended, what was remembered of keys.
    pub(crate) fn finish(&self, done: Result<(), Failure>) -> Result<(), Failure> {
        let used = std::mem::take(&mut *self.used());
        if let Some(Bound { keys, place, done }) = used.bound {
            let names: Vec<_> = keys.iter().map(Fingerprint::to_string).collect();
            let (subject, verb) = match names.len() {
                1 => ("the key", "belongs"),
                _ => ("the keys", "belong"),
            };
            if done.is_ok() {
                let names = names.join(", ");
                self.output.note(format_args!(
                    "{subject} {names} {verb} to {place} from now on, and will not be sent elsewhere"
                ));
            }
            self.or_note(done);
        }
        if let Some((key, remark)) = used.remark
            && used.confirmed.contains(&key)
        {
            self.output.note(remark);
            self.reminded(key);
        }
        let elsewhere = used.left_out.first();
        done.map_err(|failure| match elsewhere {
            Some(key) if failure.exit == Exit::Key && !failure.is_told() => {
                failure.first(&format!(
                    "The key {key} belongs to another place and was not tried: see s3-ssec key \
                     scope."
                ))
            }
            _ => failure,
        })
    }

    /// Says what could not be remembered, unless nobody expects that anything is.
    fn or_note(&self, done: Result<(), Failure>) {
        if let Err(failure) = done
            && !self.global.any_endpoint
            && self.memory.has_place()
        {
            self.output.complaint(&failure);
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
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
