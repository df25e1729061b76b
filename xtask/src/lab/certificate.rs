//! The test certificate authority of this checkout, and the certificate of its gateways.

use super::paths;
use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// PEM files.
#[derive(Debug)]
pub(crate) struct Tls {
    /// Certificate of the authority: what clients are told to trust.
    pub(crate) ca: PathBuf,
    /// Its private key, for tests that sign certificates of their own.
    pub(crate) ca_key: PathBuf,
    /// Certificate for `localhost`, `*.localhost` and 127.0.0.1.
    pub(crate) server_cert: PathBuf,
    /// Its private key.
    pub(crate) server_key: PathBuf,
}

/// Returns the files; makes them if they are not there.
pub(super) fn ensure() -> Result<Tls> {
    let lab = paths::lab()?;
    let _lock = paths::lock(&lab.join("tls.lock"))?;
    let dir = lab.join("tls");
    if !dir.exists() {
        // Made apart and renamed: the directory is complete or it is not there.
        let unfinished = lab.join("tls.part");
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished)?;
        make(&files(&unfinished)).context("cannot make the test certificates")?;
        fs::rename(&unfinished, &dir)?;
    }
    Ok(files(&dir))
}

fn files(dir: &Path) -> Tls {
    Tls {
        ca: dir.join("ca.pem"),
        ca_key: dir.join("ca.key"),
        server_cert: dir.join("server.pem"),
        server_key: dir.join("server.key"),
    }
}

fn make(tls: &Tls) -> Result<()> {
    let ca_key = KeyPair::generate()?;
    let mut ca = params("s3-ssec test CA", &[])?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_certificate = ca.self_signed(&ca_key)?;

    let server_key = KeyPair::generate()?;
    let mut server = params("localhost", &["localhost", "*.localhost", "127.0.0.1"])?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict verifiers (Python 3.13) refuse a certificate that does not name its issuer's key.
    server.use_authority_key_identifier_extension = true;
    let issuer = Issuer::from_params(&ca, &ca_key);
    let server_certificate = server.signed_by(&server_key, &issuer)?;

    fs::write(&tls.ca, ca_certificate.pem())?;
    fs::write(&tls.server_cert, server_certificate.pem())?;
    write_private(&tls.ca_key, &ca_key.serialize_pem())?;
    write_private(&tls.server_key, &server_key.serialize_pem())
}

fn params(common_name: &str, names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + DAY * 3650).into();
    Ok(params)
}

fn write_private(file: &Path, pem: &str) -> Result<()> {
    let mut handle = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    Ok(handle.write_all(pem.as_bytes())?)
}
