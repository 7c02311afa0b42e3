//! A certificate chain with its key, judged before it is served.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use rustls::{
    CertificateError, Error, InconsistentKeys, RootCertStore,
    client::verify_server_cert_signed_by_trust_anchor, server::ParsedCertificate,
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use super::{keeper::CertificateFiles, pem_file, provider};

/// Who the server is to its clients.
#[derive(Clone)]
pub struct Identity {
    pub(super) key: Arc<CertifiedKey>,
    expires_at: Timestamp,
}

/// Why a certificate and a key can't be served.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file can't be read.
    #[error("{path} can't be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The certificate's file is not what it must be.
    #[error(
        "{path} can't be used as a certificate: {reason}. It must hold the server's certificate in PEM, and after it those that lead to a trusted one"
    )]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key's file is not what it must be.
    #[error(
        "{path} can't be used as a private key: {reason}. It must hold the key of the server's certificate in PEM: RSA, ECDSA or Ed25519"
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key is another certificate's.
    #[error(
        "the private key in {key} does not belong to the first certificate in {certificate}: name the key that the certificate was made for, and let the server's own certificate stand first"
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// It is too late.
    #[error("the certificate in {path} expired at {at}: put a renewed one in its place")]
    Expired {
        /// The file.
        path: PathBuf,
        /// Its last instant.
        at: Timestamp,
    },
    /// It is too early.
    #[error(
        "the certificate in {path} is valid from {from}, and it is {now} by this machine's clock: put a valid one in its place, or set the clock"
    )]
    NotYetValid {
        /// The file.
        path: PathBuf,
        /// Its first instant.
        from: Timestamp,
        /// The present.
        now: Timestamp,
    },
}

impl Identity {
    /// Reads the files and judges what they hold.
    pub fn read(files: &CertificateFiles, now: Timestamp) -> Result<Self, IdentityError> {
        let chain = pem_file::read(&files.certificate)?;
        let key = pem_file::read(&files.key)?;
        Self::of(files, &chain, &key, now)
    }

    /// Judges what was read from the files.
    pub(super) fn of(
        files: &CertificateFiles,
        chain: &[u8],
        key: &[u8],
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        let path = &files.certificate;
        let chain = pem_file::certificates(path, chain)?;
        let key = pem_file::key(&files.key, key)?;
        let bad = |reason: String| IdentityError::Certificate {
            path: path.clone(),
            reason,
        };
        for (index, certificate) in chain.iter().enumerate() {
            ParsedCertificate::try_from(certificate)
                .map_err(|error| bad(format!("certificate {} is damaged ({error})", index + 1)))?;
        }
        let own = chain.first().ok_or_else(|| bad("it is empty".to_owned()))?;
        let (from, until) = validity(own).map_err(|error| bad(error.to_string()))?;
        let identity = Self::assemble(chain, key, until).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => IdentityError::Mismatch {
                certificate: path.clone(),
                key: files.key.clone(),
            },
            error => IdentityError::Key {
                path: files.key.clone(),
                reason: error.to_string(),
            },
        })?;
        if now > until {
            let path = path.clone();
            return Err(IdentityError::Expired { path, at: until });
        }
        if now < from {
            let path = path.clone();
            return Err(IdentityError::NotYetValid { path, from, now });
        }
        Ok(identity)
    }

    /// Puts a chain and its key together.
    pub(super) fn assemble(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        expires_at: Timestamp,
    ) -> Result<Self, Error> {
        let key = CertifiedKey::from_der(chain, key, &provider())?;
        Ok(Self {
            key: Arc::new(key),
            expires_at,
        })
    }

    /// The last instant at which clients take it.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

// A key is not for logs.
impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The first and the last instant of a certificate. Who verifies one at an instant outside is told
/// by rustls, which looks at nothing else before.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> Result<(Timestamp, Timestamp), Error> {
    let at = |seconds| {
        verify(
            certificate,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        )
    };
    let until = match at(u64::MAX) {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => not_after,
        error => return Err(error),
    };
    let from = match at(0) {
        Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            timestamp(not_before)
        }
        // It was valid before time began.
        _ => Timestamp::UNIX_EPOCH,
    };
    Ok((from, timestamp(until)))
}

/// The error of a certificate that nobody signed.
fn verify(certificate: &CertificateDer<'_>, now: UnixTime) -> Error {
    let verified = ParsedCertificate::try_from(certificate).and_then(|certificate| {
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &RootCertStore::empty(),
            &[],
            now,
            provider().signature_verification_algorithms.all,
        )
    });
    verified.err().unwrap_or(Error::NoCertificatesPresented)
}

fn timestamp(time: UnixTime) -> Timestamp {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// True if others than the file's owner and group may read it.
pub(super) fn is_everybodys(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}
