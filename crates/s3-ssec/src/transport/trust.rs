//! Whom to believe: the system's certificate authorities, or the one file that is named.

use crate::pipes::LimitedFile;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of the largest bundle: those of systems have less than one MiB.
const BUNDLE_MAX: u64 = 16 << 20;
/// How long one that comes through a pipe may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where trust in a gateway's certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The system's certificate authorities.
    System,
    /// The authorities in this PEM file and no others, as `AWS_CA_BUNDLE` means for AWS's tools.
    Bundle(PathBuf),
}

/// No certificate authorities could be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The file cannot be read, or is not PEM.
    #[error("the certificate authorities in {path:?} cannot be read: {reason}")]
    Bundle {
        /// The file named.
        path: PathBuf,
        /// What the system or the PEM reader says.
        reason: String,
    },
    /// The file holds no certificate.
    #[error("there is no certificate in {0:?}")]
    NoCertificate(PathBuf),
    /// The cryptography offers no usable TLS version.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
}

/// TLS 1.2 and 1.3, for whom these authorities vouch.
pub(super) fn client_config(roots: Arc<RootCertStore>) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

impl Trust {
    pub(super) fn roots(&self) -> Result<RootCertStore, TrustError> {
        let mut roots = RootCertStore::empty();
        match self {
            Trust::System => {
                // An empty store is no error yet: the handshake will say which name it distrusts.
                let system = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(system.certs);
            }
            Trust::Bundle(path) => {
                let (added, _) = roots.add_parsable_certificates(read(path)?);
                if added == 0 {
                    return Err(TrustError::NoCertificate(path.clone()));
                }
            }
        }
        Ok(roots)
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let error = |reason: String| TrustError::Bundle { path: path.to_owned(), reason };
    let mut pem = Vec::new();
    let file = LimitedFile::open(path).map(|file| file.within(PATIENCE).take(BUNDLE_MAX));
    file.and_then(|mut file| file.read_to_end(&mut pem)).map_err(|io| error(io.to_string()))?;
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|pem| error(pem.to_string()))
}
