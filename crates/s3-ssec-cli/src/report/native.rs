//! Every error of the libraries: exit code, what happened, what to do next.

use super::{Exit, Failure};
use s3_ssec::core::advice::{Cause, Remedy};
use s3_ssec::core::endpoint::EndpointError;
use s3_ssec::core::key::RandomError;
use s3_ssec::core::keyfile::KeyFileError;
use s3_ssec::core::keyring::{KeyringError, OpenError};
use s3_ssec::core::names::{NameError, quoted};
use s3_ssec::core::policy::{self, Ending};
use s3_ssec::core::record::RecordError;
use s3_ssec::{
    Broken, CallError, CopyError, DoctorError, FilterError, GetError, Leftover, PolicyError,
    PutError, RepairError, SetupError, TreeError, TrustError,
};
use std::io;
use std::path::Path;

const LOOK_CLOSER: &str = "Run it again with -v and look at what the gateway says.";

pub(super) const MAKE_ROOM: &str =
    "Make room in the state directory (~/.local/state/s3-ssec), or make it writable.";

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => {
                let exit = match refusal.advice.cause {
                    Cause::WrongKey | Cause::KeyNeeded => Exit::Key,
                    _ => Exit::Failed,
                };
                Failure::refused(exit, &refusal)
            }
            CallError::Broken(broken) => broken.into(),
            other => Failure::new(Exit::Failed, other.to_string(), LOOK_CLOSER),
        }
    }
}

/// The next step, where a shell has a command or a flag for it.
pub(super) fn at_a_shell(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Do(words) => words,
        Remedy::GiveItsKey => "Give the key the object was written with: --key-file FILE.",
        Remedy::GiveItsKeyOrTrustTheProxy => {
            "Give the object's key with --key-file; if no key fits at all, ask the administrator \
             whether a proxy ends the TLS and rgw_trust_forwarded_https is set."
        }
        Remedy::GiveAKey => "Give the key with --key-file FILE or S3_SSEC_KEY_FILE.",
        Remedy::CheckCredentials => "Check --profile, AWS_ACCESS_KEY_ID and the session token.",
        Remedy::CheckBucket => "Check the name and --endpoint, or make it: s3-ssec bucket create.",
        Remedy::CheckName => "Check the name; s3-ssec ls shows what is there.",
        Remedy::CorrectDocument => {
            "Correct the document; `s3-ssec policy explain FILE` checks a policy."
        }
        Remedy::LookAtObject => {
            "Look at the object with s3-ssec stat; RGW before 20 refuses every If-Match on a write."
        }
        Remedy::CopyByContent => "Copy by download and upload: s3-ssec cp does so by itself.",
        Remedy::ExamineGateway => {
            "Run s3-ssec doctor: it shows whether this gateway encrypts under customer keys."
        }
        Remedy::CheckAddress => "Check --endpoint and --region: no key follows a redirect.",
        Remedy::CheckSize => "Check the size with s3-ssec stat and ask for bytes within it.",
        Remedy::CheckPolicyForKey => {
            "Check your rights; the bucket's policy may require a customer key: s3-ssec policy show."
        }
        Remedy::CheckPolicyForWrites => {
            "Check your rights and s3-ssec policy show; before RGW 20 a policy that requires \
             customer keys refuses every write, and AWS switches them off for new buckets."
        }
    }
}

/// The next step after a change of a policy, at a shell.
fn after_policy(ending: &Ending) -> &'static str {
    match ending {
        Ending::Edited(_) => {
            "Look at it with s3-ssec policy show; apply --replace-statement replaces it, remove \
             --edited takes it out."
        }
        Ending::NotKept => "Look at it with s3-ssec policy show, and ask the administrator.",
        Ending::NotRestored => {
            "Look at it with s3-ssec policy show, and take the rule out with s3-ssec policy \
             remove."
        }
        Ending::Document(policy::PolicyError::Contradiction { .. }) => {
            "Take the other rule out first: s3-ssec policy remove."
        }
        Ending::Changed => Ending::Changed.todo(),
        _ => "Look at the policy with s3-ssec policy show, and run it again.",
    }
}

impl From<Broken> for Failure {
    fn from(error: Broken) -> Self {
        let todo = match &error {
            Broken::Certificate(_) => {
                "Name the file with the gateway's certificate authority: --ca-bundle FILE or \
                 AWS_CA_BUNDLE."
            }
            Broken::Tls(_) => "Check that the endpoint's port speaks TLS.",
            Broken::Silent(_) => "Try again, or wait longer with --timeout SECONDS.",
            Broken::Connection(_) => "Check --endpoint and the network, then try again.",
            Broken::Credentials(_) => {
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile."
            }
            Broken::Answer(_) => {
                "Check that --endpoint is the address of an S3 gateway, and look for a proxy before it \
                 that changes answers."
            }
            _ => LOOK_CLOSER,
        };
        Failure::new(Exit::Failed, error.to_string(), todo)
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        let (exit, todo) = match &error {
            SetupError::NoEndpoint => {
                (Exit::Usage, "Give the gateway's address with --endpoint URL or AWS_ENDPOINT_URL.")
            }
            SetupError::Endpoint(EndpointError::PlainHttp(_)) => {
                (Exit::Unsafe, "Use the https address of the gateway. Nothing was sent.")
            }
            SetupError::Endpoint(_) => {
                (Exit::Usage, "Write it as https://host[:port]. Nothing was sent.")
            }
            SetupError::Region(_) => (
                Exit::Usage,
                "It comes from --region, AWS_REGION or the profile; RGW takes us-east-1.",
            ),
            SetupError::Trust(TrustError::Bundle { .. } | TrustError::NoCertificate(_)) => {
                (Exit::Failed, "Name a PEM file of certificates: --ca-bundle FILE.")
            }
            SetupError::Trust(_) => (Exit::Failed, "Look at the TLS settings of this machine."),
            _ => (Exit::Failed, "Check the options and the AWS_* variables."),
        };
        Failure::new(exit, error.to_string(), todo)
    }
}

impl From<PutError> for Failure {
    fn from(error: PutError) -> Self {
        let what = error.to_string();
        let (exit, todo) = match error {
            PutError::Call(error) => return error.into(),
            PutError::BrokenOff(error) => return Failure::from(error).first(GOES_ON),
            PutError::Left { error, leftover, .. } => {
                let maybe_plain =
                    leftover == Leftover::Unknown && !matches!(*error, PutError::Stopped);
                let exit = if maybe_plain { Exit::NotProved } else { Failure::from(*error).exit };
                (exit, what_is_left(leftover))
            }
            PutError::Stopped => return stopped(),
            PutError::Unfinished(_) => (
                Exit::Failed,
                "Run the same command again, or s3-ssec repair: either completes the record.",
            ),
            PutError::NotProved { leftover: Leftover::Nothing, .. } => (
                Exit::NotProved,
                "Nothing is stored. Do not use this gateway for what must be encrypted; ask its \
                 administrator.",
            ),
            PutError::NotProved { leftover, .. } => (Exit::NotProved, what_is_left(leftover)),
            PutError::Source { error, .. } if error.kind() == io::ErrorKind::InvalidInput => {
                (Exit::Failed, "As in: s3-ssec put - s3://bucket/key < PIPE.")
            }
            PutError::Source { .. } => (Exit::Failed, "Check the name and your rights to read it."),
            PutError::SourceChanged { .. } => {
                (Exit::Failed, "Upload it again when nobody writes to it. Nothing is stored.")
            }
            PutError::Exists(_) => {
                (Exit::Unsafe, "Choose another name, or remove the object first: s3-ssec rm.")
            }
            PutError::Overwritten(_) => {
                (Exit::Failed, "Settle who writes this name, then upload again.")
            }
            PutError::Unrecorded { line, .. } => {
                let todo = format!(
                    "Keep this line, which is not secret, and give it to s3-ssec ledger import: {line}"
                );
                return Failure::new(Exit::NotProved, what, todo);
            }
            PutError::TooLarge(_) => (Exit::Failed, "Split it into several objects."),
            PutError::Random(error) => return error.into(),
            _ => (Exit::Failed, LOOK_CLOSER),
        };
        Failure::new(exit, what, todo)
    }
}

fn what_is_left(leftover: Leftover) -> &'static str {
    match leftover {
        Leftover::Nothing => "Start it again when you like.",
        Leftover::Perhaps => {
            "Look at the object with s3-ssec stat --allow-plain, and delete it with s3-ssec rm if \
             it is yours."
        }
        Leftover::Upload => "s3-ssec repair lists it, and aborts what is ours.",
        Leftover::Scratch => "Remove it with s3-ssec rm: its name is nobody else's.",
        Leftover::Arrived => "Keep it, or remove it with s3-ssec rm.",
        Leftover::MayArrive => "Look with s3-ssec stat after some minutes.",
        _ => "Look with s3-ssec stat what is there.",
    }
}

fn stopped() -> Failure {
    let what = "interrupted; nothing was left behind";
    Failure::new(Exit::Failed, what, "Start it again when you like.")
}

/// For large objects: their journals are kept.
const GOES_ON: &str = "The same command goes on where it broke off.";

impl From<GetError> for Failure {
    fn from(error: GetError) -> Self {
        let what = error.to_string();
        let (exit, todo) = match error {
            GetError::Call(error) => return error.into(),
            GetError::BrokenOff(error) => return Failure::from(*error).first(GOES_ON),
            GetError::Stopped => return stopped(),
            GetError::Record(error) => return error.into(),
            GetError::Open(error) => return error.into(),
            GetError::Target { path, error } => return target(&path, &error, what),
            GetError::NotFound(object) => {
                let todo = "Check the name; s3-ssec ls shows what is there.";
                return Failure::new(Exit::Failed, what, todo).without(object);
            }
            GetError::NoKeyFits(_) => (
                Exit::Key,
                "Give the key it was written with, --key-file FILE; if its record is in another machine's \
                 ledger, s3-ssec ledger import; if it is lost, s3-ssec repair --search.",
            ),
            GetError::OtherKey(_) => (
                Exit::Key,
                "Its tag has the record of another version. s3-ssec repair restores its own on the machine \
                 that wrote it; else give the key that it is under with --key-file FILE.",
            ),
            GetError::Undescribed(object, _) => {
                let todo = format!(
                    "With a copy of your own, s3-ssec repair {object} --against FILE completes the \
                     record; --accept-content accepts what the gateway holds. --allow-unverified \
                     delivers it as it is."
                );
                return Failure::new(Exit::NotProved, what, todo);
            }
            GetError::Changed(_) => (Exit::Failed, "Get it again when nobody writes to it."),
            GetError::Truncated(_) => {
                (Exit::Failed, "If it stays so, tell the administrator of the gateway.")
            }
            GetError::Exists(_) => {
                (Exit::Unsafe, "Choose another name, or replace it with --force.")
            }
            GetError::Link(_) => (Exit::Unsafe, "Name the file that it leads to."),
            GetError::Directory(_) => (Exit::Unsafe, "Name another file."),
            GetError::NotAFile(_) => {
                (Exit::Unsafe, "Name another file, or write to it with - and a redirection.")
            }
            error => match unproved(&error) {
                Some(todo) => (Exit::NotProved, todo),
                None => (Exit::Failed, LOOK_CLOSER),
            },
        };
        Failure::new(exit, what, todo)
    }
}

/// The next step where a read ended because its evidence does not reach; `None` for other errors.
fn unproved(error: &GetError) -> Option<&'static str> {
    Some(match error {
        GetError::NotEncrypted(_) => "If that is expected, get, cat and stat take --allow-plain.",
        GetError::NotProved { .. } => {
            "Do not trust this gateway or a proxy before it with data that must be encrypted."
        }
        GetError::NoDigest(_) => {
            "Upload it again with s3-ssec put, which stores a digest, or get it without \
             --require-verified."
        }
        GetError::Accepted { .. } => {
            "It is verified since then: get it without --require-source, or upload it again with \
             s3-ssec put."
        }
        GetError::NotMaster { .. } => {
            "Get it without --require-master if all who ever held that key may write it; a rule in \
             config.toml may ask for master keys too."
        }
        GetError::Replaced { .. } => {
            "Another holder of the direct key may have replaced it: get another copy or version. If \
             it was you, --allow-unverified delivers it, and s3-ssec rekey --accept-content takes it."
        }
        GetError::Damaged(_) => {
            "Get another copy or version of it, and report this to the administrator of the gateway."
        }
        _ => return None,
    })
}

fn target(path: &Path, error: &io::Error, what: String) -> Failure {
    match path == Path::new("-") {
        true if error.kind() == io::ErrorKind::BrokenPipe => Failure::new(
            Exit::Failed,
            "standard output was closed before the end of the object",
            "If that was meant to be, nothing is to be done; what was read is not verified.",
        ),
        true => {
            let what = format!("standard output cannot be written: {error}");
            Failure::new(Exit::Failed, what, "Look where it is redirected to.")
        }
        false => Failure::new(
            Exit::Failed,
            what,
            "Check the directory, your rights, and the free space.",
        ),
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Get(error) => error.into(),
            CopyError::Put(error) => error.into(),
            error @ CopyError::Garbled { .. } => Failure::new(
                Exit::NotProved,
                error.to_string(),
                "Report this to the administrator of the gateway. s3-ssec cat and s3-ssec put copy it through this \
                 machine.",
            ),
            error @ CopyError::Unverified(..) => Failure::new(
                Exit::NotProved,
                error.to_string(),
                "If its content is right, --accept-content copies it as it is; s3-ssec repair completes \
                 records from better evidence.",
            ),
            other => Failure::new(Exit::Failed, other.to_string(), LOOK_CLOSER),
        }
    }
}

impl From<RepairError> for Failure {
    fn from(error: RepairError) -> Self {
        match error {
            RepairError::Call(error) => error.into(),
            RepairError::Get(error) => error.into(),
            RepairError::Name(error) => error.into(),
            RepairError::NoEvidence(ref name) => {
                let name = quoted(&name.to_string());
                let todo = format!(
                    "s3-ssec repair {name} --against FILE completes it from your own copy of the content; \
                     s3-ssec repair {name} --accept-content accepts the content as it is now."
                );
                Failure::new(Exit::NotProved, error.to_string(), todo)
            }
            error @ RepairError::Differs(..) => Failure::new(
                Exit::NotProved,
                error.to_string(),
                "Nothing was changed. If the file is right, upload it again with s3-ssec put.",
            ),
            error @ RepairError::Source { .. } => {
                Failure::new(Exit::Failed, error.to_string(), "Check the name and your rights.")
            }
            error @ RepairError::State(_) => {
                Failure::new(Exit::Failed, error.to_string(), MAKE_ROOM)
            }
            other => Failure::new(Exit::Failed, other.to_string(), LOOK_CLOSER),
        }
    }
}

impl From<DoctorError> for Failure {
    fn from(error: DoctorError) -> Self {
        match error {
            DoctorError::Call(error) => error.into(),
            DoctorError::Stopped => stopped(),
            DoctorError::Random(error) => error.into(),
            DoctorError::Name(error) => error.into(),
            other => Failure::new(Exit::Failed, other.to_string(), LOOK_CLOSER),
        }
    }
}

impl From<FilterError> for Failure {
    fn from(error: FilterError) -> Self {
        let todo = "Write globs such as '*.csv' or '2026/**', quoted for the shell.";
        Failure::new(Exit::Usage, error.to_string(), todo)
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        let what = error.to_string();
        let (exit, todo) = match error {
            TreeError::Put(error) => return error.into(),
            TreeError::Get(error) => return error.into(),
            TreeError::Call(error) => return error.into(),
            TreeError::Name(error) => return error.into(),
            TreeError::Select(error) => return error.into(),
            TreeError::NotUtf8(_) => (Exit::Failed, "Rename the file."),
            TreeError::Unsafe(_) => {
                (Exit::Unsafe, "Get it alone, under a name that you choose: s3-ssec get.")
            }
            TreeError::Kept => (Exit::Failed, "Report this to the administrator of the gateway."),
            TreeError::NotListed(error) => {
                let Failure { exit, todo, .. } = Failure::from(error);
                return Failure::new(exit, what, todo);
            }
            TreeError::Local { .. } => (Exit::Failed, "Check the path and your rights."),
            _ => (Exit::Failed, LOOK_CLOSER),
        };
        Failure::new(exit, what, todo)
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        let (exit, todo) = match error {
            RecordError::NewerFormat(_) => (Exit::Key, "Use a newer s3-ssec."),
            _ => (Exit::NotProved, TAMPERED),
        };
        Failure::new(exit, error.to_string(), todo)
    }
}

const TAMPERED: &str = "Find out who may change its tags; if the bucket was renamed, name the \
                        object's first name with --origin.";

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let (exit, todo) = match error {
            OpenError::NotGenuine => (Exit::NotProved, TAMPERED),
            _ => (
                Exit::Key,
                "Give that key with --key-file FILE, --key-command or S3_SSEC_KEY_FILE.",
            ),
        };
        Failure::new(exit, error.to_string(), todo)
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        let what = error.to_string();
        match error {
            PolicyError::Call(error) => error.into(),
            PolicyError::Document(error) => error.into(),
            PolicyError::NotAsSaid(trial) => Failure::new(Exit::Failed, what, trial.advice()),
            PolicyError::NotKnownHere { .. } => {
                let todo = "The doctor saw it; nothing was tried or changed. If the gateway was \
                            upgraded since, run s3-ssec doctor again.";
                Failure::new(Exit::Failed, what, todo)
            }
            PolicyError::Scratch(error) => error.into(),
            PolicyError::Presign(error) => error.into(),
            PolicyError::Stopped => {
                Failure::new(Exit::Failed, what, "The policy is as it was before.")
            }
            PolicyError::Ended(ending) => {
                let exit = match ending {
                    Ending::Edited(_) => Exit::Unsafe,
                    _ => Exit::Failed,
                };
                Failure::new(exit, what, after_policy(&ending))
            }
            PolicyError::NotRestored { error, .. } => {
                let why = error.map_or(String::new(), |error| format!(": {error}"));
                Failure::new(Exit::Failed, what + &why, after_policy(&Ending::NotRestored))
            }
            PolicyError::PlainEndpoint(_) => {
                let todo =
                    "Name the gateway's address without TLS: --plain-endpoint http://host:port.";
                Failure::new(Exit::Usage, what, todo)
            }
            PolicyError::SessionToken => {
                let todo =
                    "Leave --plain-endpoint out, or use credentials without a session token.";
                Failure::new(Exit::Unsafe, what, todo)
            }
            PolicyError::NoVerdict { .. } => {
                let todo = "Check that --plain-endpoint leads to the same gateway; the policy is as it \
                            was.";
                Failure::new(Exit::Failed, what, todo)
            }
            PolicyError::Random(error) => error.into(),
            _ => Failure::new(Exit::Failed, what, LOOK_CLOSER),
        }
    }
}

impl From<policy::PolicyError> for Failure {
    fn from(error: policy::PolicyError) -> Self {
        let todo = match error {
            policy::PolicyError::Contradiction { .. } => {
                "Take the other rule out first: s3-ssec policy remove."
            }
            _ => "Look at the policy with s3-ssec policy show, and put a valid one.",
        };
        Failure::new(Exit::Failed, error.to_string(), todo)
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let todo = match &error {
            KeyFileError::NewerFormat => "Use a newer s3-ssec.",
            KeyFileError::Line { .. } => "Compare that line with your copy of the key.",
            KeyFileError::Keyring(_) => "Remove the key that should not be there.",
            _ => "A key is a key file of s3-ssec, 32 raw bytes, or base64 or hex of 32 bytes.",
        };
        Failure::new(Exit::Key, error.to_string(), todo)
    }
}

impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Self {
        KeyFileError::from(error).into()
    }
}

impl From<RandomError> for Failure {
    fn from(error: RandomError) -> Self {
        Failure::new(Exit::Failed, error.to_string(), "Look at the state of this machine.")
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Failure::new(Exit::Usage, error.to_string(), "Write it as s3://bucket/key.")
    }
}
