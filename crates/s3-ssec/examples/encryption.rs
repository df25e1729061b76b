//! Encryption with a key of your own, from the first step to the last.
//!
//! ```text
//! encryption BUCKET [FILE]
//! ```
//!
//! Gateway and credentials come from the environment: `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY`, and `AWS_CA_BUNDLE` where the gateway has a certificate authority of its
//! own. Without `FILE` a line of text is uploaded.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use s3_ssec::core::advice::Cause;
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyfile::{Entry, KeyFile};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec::core::policy::Rule;
use s3_ssec::{
    Client, GetError, GetOptions, Options, PolicyError, PolicyOptions, PutOptions, ReadOptions,
};
use s3_ssec::{Source, Watch, WithoutKey};
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Where the key is kept. Without it nobody can read the data: keep a copy elsewhere.
const KEY_FILE: &str = "encryption.key";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bucket = arguments.next().ok_or("usage: encryption BUCKET [FILE]")?;
    let bucket = BucketName::parse(&bucket)?;
    let file = arguments.next().map_or_else(make_text, |file| Ok(PathBuf::from(file)))?;
    let name = ObjectName::new(bucket.clone(), ObjectKey::parse("encryption/example.txt")?);

    // 1. A master key. Every object version gets a customer key of its own, derived from it.
    let keys = load_or_make_key(Path::new(KEY_FILE))?;
    println!("1. the key {} is in {KEY_FILE}", keys.writer().fingerprint());

    // 2. The gateway. Plain HTTP is refused: a customer key must not travel in the clear.
    let client = Client::connect(&Options::default()).await?;
    create_if_absent(&client, &bucket).await?;
    println!("2. the bucket {bucket} is at {}", client.endpoint());

    // 3. Upload. `Uploaded` holds the proof that the gateway encrypted with this very key; if the
    //    gateway does not confirm that, the upload is taken back and `put` fails.
    let (options, watch) = (PutOptions::default(), Watch::default());
    let source = Source::Path(file.clone());
    let uploaded = client.put(keys.writer(), &name, source, &options, &watch).await?;
    println!("3. {name}: {} bytes, encryption confirmed", uploaded.size);

    // 4. What the object says of itself, and what it says to those without the key.
    let stat = client.stat(&keys, &name, &ReadOptions::default()).await?;
    println!("4. {} bytes, {:?}, ETag {}", stat.head.size, stat.state, stat.head.etag);
    if !matches!(client.head_without_key(&name, None).await?, WithoutKey::KeyNeeded) {
        return Err("the object can be read without the key".into());
    }

    // 5. Download. The file gets its name only when every byte is as it was uploaded.
    let copy = std::env::temp_dir().join(format!("encryption-{}-back", std::process::id()));
    let received = client.get_file(&keys, &name, &copy, &GetOptions::default(), &watch).await?;
    let same = std::fs::read(&copy)? == std::fs::read(&file)?;
    std::fs::remove_file(&copy)?;
    println!("5. {} bytes back, {:?}, the same: {same}", received.size, received.verification);

    // 6. Another key opens nothing, and is not even sent: the record names the key that is needed.
    let other = Keyring::new(vec![Key::generate(Kind::Master)?])?;
    match client.verify(&other, &name, &GetOptions::default(), &watch).await {
        Err(GetError::Open(reason)) => println!("6. refused: {reason}"),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("another key opened the object".into()),
    }

    require_encryption(&client, &bucket, &watch).await
}

/// Something to upload.
fn make_text() -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join("encryption.txt");
    std::fs::write(&path, "Only the holder of the key can read this.\n")?;
    Ok(path)
}

/// Reads the key file, or makes one that only its owner can read.
fn load_or_make_key(path: &Path) -> Result<Keyring> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(KeyFile::read(&bytes)?.0.into_keyring()?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = Key::generate(Kind::Master)?;
            let file = KeyFile::new(vec![Entry { key, label: None, created: None }])?;
            create_private(path)?.write_all(file.print().as_bytes())?;
            Ok(file.into_keyring()?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A new file; an existing one is never overwritten.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// S3 gateways differ in what they say to the owner of a bucket that exists.
async fn create_if_absent(client: &Client, bucket: &BucketName) -> Result<()> {
    match client.create_bucket(bucket, None).await {
        Err(error) if error.cause() != Some(Cause::BucketExists) => Err(error.into()),
        _ => Ok(()),
    }
}

/// 7. Lets the bucket refuse uploads without a customer key. What a policy does depends on the
///    gateway, so the rule is tried on a prefix that nobody uses before it stands for the bucket.
async fn require_encryption(client: &Client, bucket: &BucketName, watch: &Watch) -> Result<()> {
    match client.apply_policy(bucket, Rule::RequireSsec, &PolicyOptions::default(), watch).await {
        Ok(applied) => println!("7. {}, and was tried", applied.trial.claim()),
        Err(PolicyError::NotAsSaid(trial)) => {
            // RGW before release 20 would refuse the encrypted uploads too. Nothing was changed.
            println!("7. this gateway cannot require customer keys: {trial}");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    }
    // 8. The proof of the rule: an upload without a key, through the SDK underneath.
    let plain = client.sdk().put_object().bucket(bucket.as_str()).key("encryption/plain.txt");
    match plain.send().await {
        Err(error) if error.raw_response().is_some_and(|r| r.status().as_u16() == 403) => {
            println!("8. an upload without a key is refused");
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err("an upload without a key passed".into()),
    }
}
