//! `s3-ssec presign`: address and headers for somebody without credentials.

use crate::args::{LinkFormat, OutputFormat, PresignCommand};
use crate::keys::need::Need;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use s3_ssec::PresignError;
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
            let writer = keys.writer();
            (
                args.link.format,
                client
                    .presign_put(writer, &args.object, args.link.expires)
                    .await
                    .about(&args.object)?,
            )
        }
        PresignCommand::Get(args) => {
            let options = args.read.options();
            let presigned = client.presign_get(&keys, &args.object, &options, args.link.expires);
            (args.link.format, presigned.await.about(&args.object)?)
        }
    };
    let format = match session.global.output {
        OutputFormat::Json => LinkFormat::Json,
        OutputFormat::Text => link,
    };
    session.output.raw(print(presigned, format).as_bytes())
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
            PresignError::NoCredentials(_) | PresignError::Credential(_) => {
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile."
            }
            PresignError::Sign(_) => "Name another region with --region; RGW takes us-east-1.",
            _ => "Use put and get, which take any name, or rename the object.",
        };
        Failure::new(Exit::Failed, what, todo)
    }
}
