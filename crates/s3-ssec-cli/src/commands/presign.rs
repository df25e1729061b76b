//! `s3-ssec presign`: address and headers for somebody without credentials.

use crate::args::{LinkFormat, OutputFormat, PresignCommand};
use crate::keys::need::Need;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use s3_ssec::PresignError;
use s3_ssec::core::condition::OnlyIfAbsent;
use s3_ssec::core::sigv4::PresignedRequest;
use std::fmt::Write as _;
use zeroize::Zeroizing;

pub(super) async fn run(session: &Session, command: PresignCommand) -> Result<(), Failure> {
    let need = match &command {
        PresignCommand::Put(args) => Need::to_write(&args.object),
        PresignCommand::Get(args) => Need::to_read(&args.object),
    };
    let (client, keys) = session.keyed(&need).await?;
    let (link, presigned) = match command {
        PresignCommand::Put(args) => {
            let (lifetime, direct) = (args.expires, args.link.direct_keys());
            let presigned = client.presign_put(keys.writer(), &args.object, lifetime, direct);
            let presigned = presigned.await.about(&args.object)?;
            let trial = client.try_only_if_absent(&args.object).await;
            for problem in trial.problems {
                session.output.complaint(&problem.into());
            }
            session.output.note(how_often(trial.condition));
            (args.link.format, presigned)
        }
        PresignCommand::Get(args) => {
            let (lifetime, direct) = (args.expires, args.link.direct_keys());
            let options = args.read.options();
            let presigned = client.presign_get(&keys, &args.object, &options, lifetime, direct);
            (args.link.format, presigned.await.about(&args.object)?)
        }
    };
    let format = match session.global.output {
        OutputFormat::Json => LinkFormat::Json,
        OutputFormat::Text => link,
    };
    session.output.raw(print(presigned, format).as_bytes())
}

/// How often a link uploads: no more is said than the trial showed.
fn how_often(condition: OnlyIfAbsent) -> &'static str {
    match condition {
        OnlyIfAbsent::Honoured => {
            "the link uploads only while there is no object of this name (tried); after the object was \
             deleted it works again, under the same key, until it expires"
        }
        OnlyIfAbsent::Ignored => {
            "the link uploads again and again until it expires, each time under the same key: the \
             gateway replaces what exists in this bucket (tried). Give it a short life with --expires, \
             and rekey the object if its link was used twice"
        }
        OnlyIfAbsent::Unknown => {
            "the link may upload more than once until it expires, each time under the same key: \
             whether the gateway keeps what exists could not be tried here. Give it a short life with \
             --expires"
        }
    }
}

/// Into memory that is wiped and never grows.
fn print(presigned: PresignedRequest, format: LinkFormat) -> Zeroizing<String> {
    let expires = presigned.expires_at;
    let (method, url, headers) = presigned.request.into_parts();
    let room: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    let mut text = Zeroizing::new(String::with_capacity(room + url.len() + 128));
    // Nothing here needs quotes: the address is encoded, and header values are base64, AES256, * and
    // a tag of [0-9a-z.=-]. Writing to a String cannot fail.
    let _ = match format {
        LinkFormat::Text => writeln!(text, "{method} {url}\n"),
        LinkFormat::Curl => writeln!(text, "url = \"{url}\"\nrequest = \"{method}\""),
        LinkFormat::Json => write!(
            text,
            "{{\"method\":\"{method}\",\"url\":\"{url}\",\"expires_at\":{},\"headers\":{{",
            expires.unix_seconds()
        ),
    };
    for (index, (name, value)) in headers.iter().enumerate() {
        let value = value.as_str();
        let _ = match (format, index) {
            (LinkFormat::Text, _) => writeln!(text, "{name}: {value}"),
            (LinkFormat::Curl, _) => writeln!(text, "header = \"{name}: {value}\""),
            (LinkFormat::Json, 0) => write!(text, "\"{name}\":\"{value}\""),
            (LinkFormat::Json, _) => write!(text, ",\"{name}\":\"{value}\""),
        };
    }
    if format == LinkFormat::Json {
        text.push_str("}}\n");
    }
    text
}

impl From<PresignError> for Failure {
    fn from(error: PresignError) -> Self {
        let what = error.to_string();
        let todo = match error {
            PresignError::Get(error) => return error.into(),
            PresignError::Random(error) => return error.into(),
            PresignError::Call(error) => return error.into(),
            PresignError::WholeKey { .. } => {
                let todo = "It opens every object under that key. Upload this one under a master key, \
                            or give the key away: --give-away-key.";
                return Failure::new(Exit::Unsafe, what, todo);
            }
            PresignError::Exists(_) => {
                let todo = "Choose another name, or remove the object first: s3-ssec rm.";
                return Failure::new(Exit::Unsafe, what, todo);
            }
            PresignError::NoCredentials(_) | PresignError::Credential(_) => {
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile."
            }
            PresignError::Sign(_) => "Name another region with --region; RGW takes us-east-1.",
            _ => "Use put and get, which take any name, or rename the object.",
        };
        Failure::new(Exit::Failed, what, todo)
    }
}
