//! `s3-ssec key export`: a direct key in the form that other tools read.

use crate::args::{ExportArgs, ExportFormat};
use crate::keys::{Found, KeySource, file, typed};
use crate::report::{Exit, Failure};
use crate::session::Session;
use s3_ssec::core::headers::TargetKeyHeaders;
use s3_ssec::core::key::{CustomerKey, Fingerprint, Key};
use s3_ssec::core::keyfile::{Entry, KeyFile};
use serde_json::json;
use std::io::{self, IsTerminal as _};
use zeroize::Zeroizing;

pub(super) fn run(session: &Session, args: &ExportArgs) -> Result<(), Failure> {
    typed::refuse("FILE", &args.file)?;
    let Found { source, file, .. } = KeySource::File(args.file.clone()).read()?;
    let (fingerprint, key) = choose(&file, args.key, &source.to_string())?;
    let encoded = encode(key, args.format);
    let Some(out) = &args.out else { return print(session, args.format, &encoded) };
    file::create(out, &encoded)?;
    let text = format!("{} holds the key {fingerprint}, readable by you alone", out.display());
    let json = json!({ "file": out.to_string_lossy(), "fingerprint": fingerprint.to_string() });
    session.output.report(text, &json)
}

/// The one direct key, or the one that is named.
fn choose<'f>(
    file: &'f KeyFile,
    wanted: Option<Fingerprint>,
    source: &str,
) -> Result<(Fingerprint, &'f CustomerKey), Failure> {
    let named = |entry: &&Entry| wanted.is_none_or(|wanted| entry.key.fingerprint() == wanted);
    let entries: Vec<_> = file.entries().iter().filter(named).collect();
    if entries.is_empty() {
        let what = format!("{source} does not hold that key");
        return Err(Failure::new(Exit::Key, what, "s3-ssec key show lists what it holds."));
    }
    let direct = |entry: &'f Entry| match &entry.key {
        Key::Direct(key) => Some((key, entry.key.fingerprint())),
        Key::Master(_) => None,
    };
    let found: Vec<_> = entries.into_iter().filter_map(direct).collect();
    match found[..] {
        [(key, fingerprint)] => Ok((fingerprint, key)),
        [] => Err(Failure::new(
            Exit::Unsafe,
            "a master key is not exported: another tool would send it to the gateway",
            "For one object, s3-ssec headers s3://bucket/key gives what opens it; to keep a copy, s3-ssec \
             key backup.",
        )),
        [..] => Err(Failure::new(
            Exit::Usage,
            format!("{source} holds {} direct keys", found.len()),
            "Name one with --key FINGERPRINT; s3-ssec key show lists them.",
        )),
    }
}

/// Into memory that is wiped and never grows.
fn encode(key: &CustomerKey, format: ExportFormat) -> Zeroizing<Vec<u8>> {
    let mut encoded = Zeroizing::new(Vec::with_capacity(65));
    match format {
        ExportFormat::Raw => encoded.extend_from_slice(key.expose_bytes()),
        ExportFormat::Base64 => {
            let headers = TargetKeyHeaders::of(key);
            encoded.extend_from_slice(headers.expose_key_base64().as_bytes());
            encoded.push(b'\n');
        }
        ExportFormat::Hex => {
            encoded.resize(64, 0);
            // 64 characters are what 32 bytes need.
            let _ = base16ct::lower::encode(key.expose_bytes(), &mut encoded);
            encoded.push(b'\n');
        }
    }
    encoded
}

fn print(session: &Session, format: ExportFormat, encoded: &[u8]) -> Result<(), Failure> {
    if session.output.is_json() {
        let what = "standard output cannot hold both the key and JSON";
        return Err(Failure::new(Exit::Usage, what, "Leave --output json out, or use --out."));
    }
    if format == ExportFormat::Raw && io::stdout().is_terminal() {
        let what = "a raw key is not printed on a terminal";
        return Err(Failure::new(Exit::Unsafe, what, "Use --out NEWFILE, or another --format."));
    }
    session.output.raw(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec::core::key::Kind;

    fn entry(kind: Kind, byte: u8) -> Entry {
        Entry { key: Key::from_bytes(kind, &[byte; 32]).unwrap(), label: None, created: None }
    }

    #[test]
    fn only_one_direct_key_is_exported() {
        let exit = |file: &KeyFile, wanted| {
            choose(file, wanted, "f").map(|(_, key)| key.expose_bytes()[0]).map_err(|f| f.exit)
        };
        let (one, two) = (entry(Kind::Direct, 1), entry(Kind::Direct, 2));
        let second = two.key.fingerprint();
        let masters = KeyFile::new(vec![entry(Kind::Master, 3)]).unwrap();
        assert_eq!(exit(&masters, None), Err(Exit::Unsafe));
        let mixed = KeyFile::new(vec![entry(Kind::Master, 3), entry(Kind::Direct, 4)]).unwrap();
        assert_eq!(exit(&mixed, None), Ok(4));
        let file = KeyFile::new(vec![one, two]).unwrap();
        assert_eq!(exit(&file, None), Err(Exit::Usage));
        assert_eq!(exit(&file, Some(second)), Ok(2));
        assert_eq!(exit(&mixed, Some(second)), Err(Exit::Key));
    }

    #[test]
    fn every_form_is_read_again() {
        let bytes: Vec<u8> = (0..32).collect();
        let key = CustomerKey::from_bytes(&bytes).unwrap();
        for format in [ExportFormat::Raw, ExportFormat::Base64, ExportFormat::Hex] {
            let encoded = encode(&key, format);
            let (read, _) = s3_ssec::core::legacy::read(&encoded).unwrap();
            assert_eq!(read.expose_bytes()[..], bytes, "{format:?}");
        }
    }
}
