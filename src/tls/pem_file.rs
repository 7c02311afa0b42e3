//! Reads certificates and keys from PEM files, and says in plain words what else is in a file.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use super::identity::IdentityError;

/// No chain and no key is longer; a device or a directory of bundles is not read without end.
const LONGEST_FILE_BYTES: u64 = 1 << 20;

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    let unreadable = |error| IdentityError::Unreadable {
        path: path.to_owned(),
        error,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(LONGEST_FILE_BYTES + 1).read_to_end(&mut bytes);
    match read.map_err(unreadable)? as u64 {
        0..=LONGEST_FILE_BYTES => Ok(bytes),
        _ => Err(unreadable(io::Error::other("it is larger than 1 MiB"))),
    }
}

/// The certificates in a file, of which there is at least one.
pub(super) fn certificates(
    path: &Path,
    content: &[u8],
) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let bad = |reason: String| IdentityError::Certificate {
        path: path.to_owned(),
        reason,
    };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    let certificates = read.map_err(|error| bad(format!("its PEM is damaged ({error})")))?;
    if certificates.is_empty() {
        return Err(bad(instead_of_certificate(content).to_owned()));
    }
    Ok(certificates)
}

/// The private key in a file.
pub(super) fn key(path: &Path, content: &[u8]) -> Result<PrivateKeyDer<'static>, IdentityError> {
    PrivateKeyDer::from_pem_slice(content).map_err(|error| IdentityError::Key {
        path: path.to_owned(),
        reason: match instead_of_key(content) {
            Some(found) => found.to_owned(),
            None => format!("its PEM is damaged ({error})"),
        },
    })
}

fn instead_of_certificate(content: &[u8]) -> &'static str {
    if holds(content, "PRIVATE KEY-----") {
        "it holds a private key and no certificate; perhaps the two files are confused"
    } else if is_der(content) {
        "it is in DER; turn it into PEM with `openssl x509 -inform der`"
    } else {
        "it holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"
    }
}

/// What stands in a file instead of a key, if it is not a damaged one.
fn instead_of_key(content: &[u8]) -> Option<&'static str> {
    if holds(content, "-----BEGIN ENCRYPTED PRIVATE KEY") || holds(content, "4,ENCRYPTED") {
        Some(
            "it is locked with a passphrase, which a service can't be asked for; unlock it with \
             `openssl pkey`",
        )
    } else if holds(content, "PRIVATE KEY-----") {
        None
    } else if holds(content, "-----BEGIN CERTIFICATE") {
        Some("it holds a certificate and no private key; perhaps the two files are confused")
    } else if is_der(content) {
        Some("it is in DER; turn it into PEM with `openssl pkey -inform der`")
    } else {
        Some("it holds no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----")
    }
}

fn holds(content: &[u8], mark: &str) -> bool {
    let mut windows = content.windows(mark.len());
    windows.any(|window| window == mark.as_bytes())
}

/// A DER file is a sequence whose length takes two bytes.
fn is_der(content: &[u8]) -> bool {
    content.starts_with(&[0x30, 0x82])
}
