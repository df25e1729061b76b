//! The laboratory: gateways, certificates and programs that `cargo xtask test` prepared.

use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::{Client, Options};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

#[derive(Debug, Deserialize)]
pub struct Lab {
    pub gateways: Vec<Gateway>,
    pub ca: PathBuf,
    pub server_cert: PathBuf,
    pub server_key: PathBuf,
    pub command: PathBuf,
    pub xtask: PathBuf,
    pub python: PathBuf,
    pub package: PathBuf,
    pub node: PathBuf,
    /// Where the examples are; only the whole suite builds them.
    pub examples: Option<PathBuf>,
    /// The program of Garage.
    #[serde(default)]
    pub garage: Option<PathBuf>,
}

/// A gateway. Of one that is not the laboratory's own, some things are not known.
#[derive(Debug, Clone, Deserialize)]
pub struct Gateway {
    pub version: String,
    pub release: Option<String>,
    pub https: String,
    pub http: Option<String>,
    pub access_key: String,
    pub secret_key: String,
    /// Another user's.
    pub access_key_2: Option<String>,
    pub secret_key_2: Option<String>,
    ca: Option<PathBuf>,
    pub log: Option<PathBuf>,
    /// The file in which each crash is noted.
    crashes: Option<PathBuf>,
}

static LAB: LazyLock<Lab> = LazyLock::new(|| {
    let path = std::env::var_os("S3_SSEC_LAB")
        .expect("no laboratory: run the live tests with `cargo xtask test`");
    let text = std::fs::read(&path).expect("the laboratory's description is readable");
    serde_json::from_slice(&text).expect("the laboratory's description is of this version")
});

pub fn lab() -> &'static Lab {
    &LAB
}

impl Gateway {
    /// A server that a test started behind the laboratory's certificate; credentials are the same.
    pub(crate) fn own(version: &str, endpoint: &str) -> Self {
        let first = &lab().gateways[0];
        Self {
            version: version.to_owned(),
            release: None,
            https: endpoint.to_owned(),
            http: None,
            access_key: first.access_key.clone(),
            secret_key: first.secret_key.clone(),
            access_key_2: None,
            secret_key_2: None,
            ca: None,
            log: None,
            crashes: None,
        }
    }

    /// The first number of the release: 16, 18, 20. Only for what cannot be probed.
    pub fn major(&self) -> Option<u32> {
        let major = self.release.as_ref()?.split('.').next()?;
        Some(major.parse().expect("a release starts with a number"))
    }

    /// How much is noted of its crashes, in bytes: another number means another crash.
    pub fn crashes(&self) -> u64 {
        self.crashes.as_ref().and_then(|file| std::fs::metadata(file).ok()).map_or(0, |m| m.len())
    }

    /// The authorities behind its certificate.
    pub fn ca(&self) -> &Path {
        self.ca.as_ref().unwrap_or(&lab().ca)
    }

    pub fn options(&self) -> Options {
        let mut options = Options::default();
        options.endpoint = Some(self.https.clone());
        options.ca_bundle = Some(self.ca().to_owned());
        options
    }

    /// A client at `endpoint` with this gateway's first user.
    pub async fn client_at(&self, options: &Options) -> Client {
        // Credentials come from the environment, as they do for people; all gateways share them.
        Client::connect(options).await.unwrap()
    }

    pub async fn client(&self) -> Client {
        self.client_at(&self.options()).await
    }
}

pub fn new_key(kind: Kind) -> Key {
    Key::generate(kind).unwrap()
}

/// A keyring with one new master key.
pub fn new_master() -> Keyring {
    Keyring::new(vec![new_key(Kind::Master)]).unwrap()
}

/// A keyring with one new direct key.
pub fn new_direct() -> Keyring {
    Keyring::new(vec![new_key(Kind::Direct)]).unwrap()
}
