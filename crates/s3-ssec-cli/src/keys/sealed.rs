//! Copies of key files that are encrypted with age: under a passphrase or public keys. The tool age
//! opens them too.

use super::{file, read_at_most, typed};
use crate::report::{Exit, Failure};
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, EncryptError, Encryptor, IdentityFile, x25519};
use s3_ssec::core::keyfile::KEY_FILE_MAX;
use std::io::{self, Write as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The first line of a copy.
pub(crate) const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// Characters of the shortest passphrase for a new copy: whoever has the copy can guess for years.
const SHORTEST: usize = 12;

/// log2 of the scrypt cost of a new copy: 256 MiB and about a second, as the tool age has it. Never
/// measured on the machine of the day: a copy is opened years later on another one.
const COST: u8 = 18;

/// The dearest copy that is opened: 4 GiB, as the tool age has it.
const DEAREST: u8 = 22;

/// What opens a copy.
pub(crate) struct Openers<'a> {
    /// A file with secret keys of age.
    pub(crate) identity: Option<&'a Path>,
    /// A file or pipe with the passphrase; the terminal where there is none.
    pub(crate) passphrase: Option<&'a Path>,
}

/// A new passphrase: the first line of a file or pipe, or typed twice on the terminal.
pub(crate) fn new_passphrase(file: Option<&Path>) -> Result<SecretString, Failure> {
    let passphrase = match file {
        Some(path) => from_file(path)?,
        None => {
            let first = ask("Passphrase for the copy: ")?;
            if *ask("Once more: ")? != *first {
                let what = "the two passphrases are not the same";
                return Err(Failure::new(Exit::Usage, what, "Try again."));
            }
            first
        }
    };
    if passphrase.chars().count() < SHORTEST {
        let what = format!("a passphrase of fewer than {SHORTEST} characters can be guessed");
        let todo = "Take five random words, and write them down somewhere else than the copy.";
        return Err(Failure::new(Exit::Unsafe, what, todo));
    }
    Ok(secret(&passphrase))
}

/// Encrypts under a passphrase.
pub(crate) fn under_passphrase(
    content: &[u8],
    passphrase: SecretString,
) -> Result<Vec<u8>, Failure> {
    let mut recipient = age::scrypt::Recipient::new(passphrase);
    recipient.set_work_factor(COST);
    encrypt(content, std::iter::once(&recipient as &dyn age::Recipient))
}

/// Encrypts for everybody who has one of the secret keys.
pub(crate) fn for_recipients(content: &[u8], to: &[x25519::Recipient]) -> Result<Vec<u8>, Failure> {
    encrypt(content, to.iter().map(|recipient| recipient as &dyn age::Recipient))
}

fn encrypt<'a>(
    content: &[u8],
    recipients: impl Iterator<Item = &'a dyn age::Recipient>,
) -> Result<Vec<u8>, Failure> {
    let encryptor = Encryptor::with_recipients(recipients)
        .map_err(|error: EncryptError| failed(&io::Error::other(error.to_string())))?;
    seal(content, encryptor).map_err(|error| failed(&error))
}

fn seal(content: &[u8], encryptor: Encryptor) -> io::Result<Vec<u8>> {
    let mut sealed = Vec::new();
    let armor = ArmoredWriter::wrap_output(&mut sealed, Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armor)?;
    writer.write_all(content)?;
    writer.finish()?.finish()?;
    Ok(sealed)
}

fn failed(error: &io::Error) -> Failure {
    let what = format!("the copy cannot be encrypted: {error}");
    Failure::new(Exit::Failed, what, "Use another form of backup.")
}

/// Opens a copy: the text of a key file.
pub(crate) fn open(text: &str, openers: &Openers<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let decryptor = Decryptor::new(ArmoredReader::new(text.trim().as_bytes()))?;
    let mut reader = match (decryptor.is_scrypt(), openers) {
        (true, Openers { passphrase, .. }) => {
            let passphrase = match passphrase {
                Some(path) => from_file(path)?,
                None => ask("Passphrase of the copy: ")?,
            };
            let mut identity = age::scrypt::Identity::new(secret(&passphrase));
            identity.set_max_work_factor(DEAREST);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))?
        }
        (false, Openers { identity: Some(path), .. }) => {
            let identities = identities(path)?;
            decryptor
                .decrypt(identities.iter().map(|identity| &**identity as &dyn age::Identity))?
        }
        (false, Openers { identity: None, .. }) => {
            let what = "this copy is encrypted for a public key of age";
            return Err(Failure::new(Exit::Usage, what, "Name its secret key: --identity FILE."));
        }
    };
    let opened = read_at_most(&mut reader, KEY_FILE_MAX).map_err(|error| {
        let what = format!("the copy is damaged: {error}");
        Failure::new(Exit::Key, what, "Use another copy.")
    })?;
    Ok(opened)
}

fn identities(path: &Path) -> Result<Vec<Box<dyn age::Identity + Send + Sync>>, Failure> {
    typed::refuse("--identity", path)?;
    let bytes = file::read(path)?;
    let wrong = || {
        let what = format!("{} holds no secret key of age", path.display());
        Failure::new(Exit::Key, what, "It begins with AGE-SECRET-KEY-1; age-keygen makes one.")
    };
    let file = IdentityFile::from_buffer(bytes.as_slice()).map_err(|_| wrong())?;
    let found = file.into_identities().map_err(|_| wrong())?;
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}

/// The first line.
fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    typed::refuse("--passphrase-file", path)?;
    let bytes = file::read(path)?;
    let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.lines().next());
    match text {
        Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
        _ => {
            let what = format!("{} has no passphrase in its first line", path.display());
            Err(Failure::new(Exit::Key, what, "Check the name."))
        }
    }
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
        let what = format!("the passphrase cannot be asked for: {error}");
        let todo = "Run this on a terminal, or name a file or pipe: --passphrase-file FILE.";
        Failure::new(Exit::Usage, what, todo)
    })
}

fn secret(passphrase: &str) -> SecretString {
    SecretString::from(passphrase.to_owned())
}

impl From<DecryptError> for Failure {
    fn from(error: DecryptError) -> Self {
        let (what, todo) = match error {
            DecryptError::NoMatchingKeys => (
                "the copy is not encrypted for this secret key".to_owned(),
                "Use the secret key whose public key was given to s3-ssec key backup --to.",
            ),
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => (
                "the passphrase is wrong, or the copy is damaged".to_owned(),
                "Type it again; capital letters and the keyboard's language count.",
            ),
            DecryptError::ExcessiveWork { .. } => (
                "the copy was made to be very slow to open".to_owned(),
                "Open it with the tool age, and use the key file that comes out.",
            ),
            error => (format!("the copy is damaged: {error}"), "Use another copy."),
        };
        Failure::new(Exit::Key, what, todo)
    }
}
