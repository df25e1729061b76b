//! Arguments of `s3-ssec key backup`, `key restore` and `key drill`.

use super::parse;
use clap::{ArgGroup, Args, ValueEnum};
use s3_ssec::core::key::{Fingerprint, Kind};
use s3_ssec::core::names::ObjectName;
use std::path::PathBuf;

const BACKUP: &str = "\
Words, pages and shares hold one key, and whoever has them has the key; of shares, so many as the
threshold says. Copies under a passphrase or a public key hold the whole file; the tool age opens them too.
Without --out or --stdout, words and shares are shown on a terminal and nowhere else.

Examples:
  s3-ssec key backup lab.key --words                         shown, to be copied by hand
  s3-ssec key backup lab.key --sheet lab.html                one page to print: words and QR code
  s3-ssec key backup lab.key --shares 5 --threshold 3 --out lab.share
                                                             lab.share.1 to lab.share.5
  s3-ssec key backup lab.key --passphrase --out lab.age
  s3-ssec key backup lab.key --to age1... --to age1... --out lab.age";

/// `s3-ssec key backup`.
#[derive(Args)]
#[command(after_long_help = BACKUP)]
#[command(
    override_usage = "s3-ssec key backup [OPTIONS] <--words|--sheet|--shares|--passphrase|--to> <FILE>"
)]
#[command(group = ArgGroup::new("form").required(true))]
#[command(group = ArgGroup::new("delivery"))]
pub(crate) struct BackupArgs {
    /// Key file
    pub(crate) file: PathBuf,
    /// As 24 words (BIP-39, English) with the fingerprint
    #[arg(long, group = "form")]
    pub(crate) words: bool,
    /// As an A4 page to print, with words and QR code
    #[arg(long, group = "form", value_name = "OUT.html", conflicts_with = "delivery")]
    pub(crate) sheet: Option<PathBuf>,
    /// As so many shares, for different people or places
    #[arg(long, group = "form", value_name = "N", requires = "threshold")]
    pub(crate) shares: Option<u8>,
    /// So many of the shares restore the key, and fewer tell nothing
    #[arg(long, value_name = "K", requires = "shares")]
    pub(crate) threshold: Option<u8>,
    /// Under a passphrase, asked for on the terminal
    #[arg(long, group = "form", conflicts_with = "key")]
    pub(crate) passphrase: bool,
    /// File or pipe with the passphrase in its first line
    #[arg(long, value_name = "FILE", requires = "passphrase")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Under a public key of age; may be given several times
    #[arg(
        long,
        group = "form",
        value_name = "AGE_RECIPIENT",
        value_parser = recipient,
        conflicts_with = "key"
    )]
    pub(crate) to: Vec<age::x25519::Recipient>,
    /// File to make, readable by you alone; shares get a number behind it
    #[arg(long, value_name = "NEWFILE", group = "delivery")]
    pub(crate) out: Option<PathBuf>,
    /// Print it wherever standard output leads to
    #[arg(long, group = "delivery")]
    pub(crate) stdout: bool,
    /// Which key, if the file holds several: its fingerprint, or its label in the file
    #[arg(long, value_name = "FINGERPRINT|LABEL")]
    pub(crate) key: Option<String>,
}

const RESTORE: &str = "\
Takes every form of `key backup` and sees which it is: words, the text of a QR code, a saved sheet,
shares, copies of age. They are typed on a terminal, or read from standard input or from files, never from the command
line. The fingerprint beside words shows the kind of the key. A master key is restored
from words only with its fingerprint, which shows that it is the right one, or with --without-fingerprint.

Examples:
  s3-ssec key restore                              type the words and the fingerprint, or shares
  s3-ssec key restore words.txt --fingerprint 4816dfc85c4eac7b --out lab.key
  s3-ssec key restore lab.html --out lab.key
  s3-ssec key restore lab.age --out lab.key        asks for the passphrase
  s3-ssec key restore lab.age --identity ~/.config/age/key.txt
  s3-ssec key restore lab.share.1 lab.share.4 lab.share.5 --out lab.key";

/// `s3-ssec key restore`.
#[derive(Args)]
#[command(after_long_help = RESTORE)]
pub(crate) struct RestoreArgs {
    /// The backup; standard input where it is left out
    pub(crate) backup: Vec<PathBuf>,
    /// File to make; an existing one is never touched
    #[arg(long, value_name = "FILE", default_value = parse::DEFAULT_KEY_FILE)]
    pub(crate) out: PathBuf,
    /// Take the words as they are with --kind master, though nothing says that the key is the right one:
    /// if a word is wrong, or they are a direct key's, nothing can be read with it
    #[arg(long, requires = "kind", conflicts_with = "fingerprint")]
    pub(crate) without_fingerprint: bool,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
}

/// What opens a backup, and what is known of the key in it.
#[derive(Args)]
pub(crate) struct OpenArgs {
    /// The fingerprint that the key must have
    #[arg(long, value_name = "FINGERPRINT", value_parser = parse::fingerprint)]
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The kind that the key must have; for words without a fingerprint
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<KindName>,
    /// File with the secret key of age that opens the copy
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// File or pipe with the passphrase in its first line
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

const DRILL: &str = "\
Reads the object to its end with the key of the backup alone, and compares it with its record. No key file
is used, and none is made. A backup that was never tried is a hope.

Examples:
  s3-ssec key drill s3://bucket/data.csv words.txt
  s3-ssec key drill s3://bucket/data.csv lab.share.1 lab.share.4 lab.share.5
  s3-ssec key drill s3://bucket/data.csv lab.age --identity ~/.config/age/key.txt";

/// `s3-ssec key drill`.
#[derive(Args)]
#[command(after_long_help = DRILL)]
pub(crate) struct DrillArgs {
    /// Object that the backup has to open
    #[arg(value_parser = parse::object)]
    pub(crate) object: ObjectName,
    /// The backup; standard input where it is left out
    pub(crate) backup: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
}

/// A kind of key on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindName {
    Master,
    Direct,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Master => Kind::Master,
            KindName::Direct => Kind::Direct,
        }
    }
}

fn recipient(text: &str) -> Result<age::x25519::Recipient, &'static str> {
    text.parse().map_err(|_| "a public key of age begins with age1; age-keygen makes one")
}
