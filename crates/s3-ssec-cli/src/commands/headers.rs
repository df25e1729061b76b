//! `s3-ssec headers`: the one command that prints keys, for use with other tools.

use crate::args::{HeaderFormat, HeadersArgs, OutputFormat};
use crate::keys::need::Need;
use crate::report::{About as _, Exit, Failure};
use crate::session::{Session, state_dir};
use s3_ssec::core::headers::TargetKeyHeaders;
use s3_ssec::core::key::{CustomerKey, Key};
use s3_ssec::core::keyring::{Keyring, Seal};
use s3_ssec::core::record::{Content, TAG_KEY};
use s3_ssec::{Client, Located, SetupError, StateDir};
use std::fmt::Write as _;
use zeroize::Zeroizing;

pub(super) async fn run(session: &Session, args: HeadersArgs) -> Result<(), Failure> {
    let need = match (&args.object, args.new) {
        (None, _) => Need::nowhere(),
        (Some(object), true) => Need::to_write(object),
        (Some(object), false) => Need::to_read(object),
    };
    let (client, keys) = session.keys_to_show(&need).await?;
    let format = match session.global.output {
        OutputFormat::Json => HeaderFormat::Json,
        OutputFormat::Text => args.format,
    };
    if let (true, Some(object)) = (args.new, &args.object) {
        let seal = match &client {
            Some(client) => client.fresh_seal(keys.writer(), object).await?,
            None => {
                let state = state_dir().map(StateDir::new);
                s3_ssec::fresh_seal(keys.writer(), object, state.as_ref())?
            }
        };
        let (headers, tag) = fresh(&seal);
        session.output.raw(print(&pairs(&headers, Some(&tag)), format).as_bytes())?;
        session.output.note(
            "the tag names the key; it cannot name the content, so get wants --allow-unverified",
        );
        return Ok(());
    }
    match direct(&keys, &args) {
        Some(key) => show(session, &args, &TargetKeyHeaders::of(key), format),
        None => {
            let located = locate(client, &keys, &args).await?;
            let headers = located.key_headers().ok_or_else(not_encrypted)?;
            show(session, &args, headers, format)
        }
    }
}

/// The direct key, where the gateway need not be asked: it is the only one, or no object is named.
fn direct<'k>(keys: &'k Keyring, args: &HeadersArgs) -> Option<&'k CustomerKey> {
    match (keys.writer(), &args.object) {
        (Key::Direct(key), None) => Some(key),
        (Key::Direct(key), Some(_)) if keys.keys().len() == 1 => Some(key),
        _ => None,
    }
}

/// Finds the key of the object that is named.
async fn locate(
    client: Option<Client>,
    keys: &Keyring,
    args: &HeadersArgs,
) -> Result<Located, Failure> {
    let Some(object) = &args.object else {
        let what = "a master key has another key for every object";
        let todo = "Name the object: s3-ssec headers s3://bucket/key.";
        return Err(Failure::new(Exit::Usage, what, todo));
    };
    let client = client.ok_or(SetupError::NoEndpoint)?;
    client.locate(keys, object, &args.read.options()).await.about(object)
}

fn not_encrypted() -> Failure {
    let what = "the object is not encrypted with a customer key";
    Failure::new(Exit::NotProved, what, "It is read without such headers.")
}

fn show(
    session: &Session,
    args: &HeadersArgs,
    headers: &TargetKeyHeaders,
    format: HeaderFormat,
) -> Result<(), Failure> {
    let text = match args.copy_source {
        true => print(&headers.as_source().pairs(), format),
        false => print(&headers.pairs(), format),
    };
    session.output.raw(text.as_bytes())
}

/// A fresh key for an object that another tool will write, and the tag that finds it again.
fn fresh(seal: &Seal<'_>) -> (TargetKeyHeaders, String) {
    let tag = format!("{TAG_KEY}={}", seal.record(Content::Pending));
    (TargetKeyHeaders::of(&seal.customer_key()), tag)
}

fn pairs<'h>(
    headers: &'h TargetKeyHeaders,
    tag: Option<&'h String>,
) -> Vec<(&'static str, &'h str)> {
    let tag = tag.map(|tag| ("x-amz-tagging", tag.as_str()));
    headers.pairs().into_iter().chain(tag).collect()
}

/// Into memory that is wiped and never grows.
fn print(headers: &[(&str, &str)], format: HeaderFormat) -> Zeroizing<String> {
    let room = headers.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    for (index, (name, value)) in headers.iter().enumerate() {
        // None of the values holds a character that any of the forms would quote: they are base64,
        // AES256, and a tag of [0-9a-z.=-]. Writing to a String cannot fail.
        let _ = match (format, index) {
            (HeaderFormat::Http, _) => writeln!(text, "{name}: {value}"),
            (HeaderFormat::Curl, _) => writeln!(text, "header = \"{name}: {value}\""),
            (HeaderFormat::Json, 0) => write!(text, "{{\"{name}\":\"{value}\""),
            (HeaderFormat::Json, _) => write!(text, ",\"{name}\":\"{value}\""),
            (HeaderFormat::S3cmd, 0) => write!(text, "add_headers = {name}:{value}"),
            (HeaderFormat::S3cmd, _) => write!(text, ",{name}:{value}"),
        };
    }
    text.push_str(match format {
        HeaderFormat::Json => "}\n",
        HeaderFormat::S3cmd => "\n",
        HeaderFormat::Http | HeaderFormat::Curl => "",
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: [(&str, &str); 2] = [("x-amz-a", "AES256"), ("x-amz-b", "pO3+/w==")];

    #[test]
    fn every_form_holds_every_header() {
        let of = |format| print(&HEADERS, format).to_string();
        assert_eq!(of(HeaderFormat::Http), "x-amz-a: AES256\nx-amz-b: pO3+/w==\n");
        let curl = "header = \"x-amz-a: AES256\"\nheader = \"x-amz-b: pO3+/w==\"\n";
        assert_eq!(of(HeaderFormat::Curl), curl);
        let json: serde_json::Value = serde_json::from_str(&of(HeaderFormat::Json)).unwrap();
        assert_eq!(json, serde_json::json!({"x-amz-a": "AES256", "x-amz-b": "pO3+/w=="}));
        assert_eq!(of(HeaderFormat::S3cmd), "add_headers = x-amz-a:AES256,x-amz-b:pO3+/w==\n");
    }

    #[test]
    fn a_fresh_key_is_found_by_its_tag() {
        use s3_ssec::core::key::Kind;
        use s3_ssec::core::record::Record;
        let keys = crate::keys::scope::ring_of(vec![Key::generate(Kind::Master).unwrap()]);
        let object = crate::args::parse::object("s3://bucket/a b").unwrap();
        let (headers, tag) = fresh(&s3_ssec::fresh_seal(keys.writer(), &object, None).unwrap());
        let record = Record::parse(tag.strip_prefix("s3-ssec=").unwrap()).unwrap();
        let (_, opened) = keys.open(&record, &object).unwrap();
        assert_eq!(opened.customer_key.md5(), headers.key_md5());
        assert_eq!(pairs(&headers, Some(&tag))[3], ("x-amz-tagging", tag.as_str()));
    }
}
