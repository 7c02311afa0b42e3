//! Looks after the files of a certificate while it is served: new ones take the old ones' place
//! without a restart and without a dropped connection.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use metrics::gauge;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use super::{Identity, IdentityError, Served, identity::is_everybodys, pem_file};
use crate::domain::clock::Clock;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, in PEM.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// Looks after one pair of files.
pub struct Keeper {
    files: CertificateFiles,
    served: Arc<Served>,
    /// What the files held when they were judged last.
    judged: Content,
    /// What they held at the last look.
    seen: Content,
    expires_at: Timestamp,
    /// Whether it was said that the certificate has expired.
    expiry_told: bool,
}

/// What a look at the files brought.
#[derive(Debug)]
enum Look {
    /// Nothing.
    Unchanged,
    /// A new identity, which is served from now on.
    Replaced,
    /// New files that won't do: the old identity is served still.
    Kept(IdentityError),
    /// What is served has expired.
    Expired,
}

/// What files hold, in short. Files that can't be read hold the reason.
#[derive(Clone, PartialEq, Eq)]
struct Content([u8; 32]);

impl Keeper {
    /// Reads the files, which must do.
    pub fn open(files: CertificateFiles, now: Timestamp) -> Result<Self, IdentityError> {
        let (content, identity) = examine(&files, now);
        let identity = identity?;
        if is_everybodys(&files.key) {
            tracing::warn!(
                path = %files.key.display(),
                "everybody on this machine can read the private key: take the right from them with chmod o-r"
            );
        }
        let expires_at = identity.expires_at();
        tell_expiry(expires_at);
        Ok(Self {
            served: Served::new(identity),
            files,
            judged: content.clone(),
            seen: content,
            expires_at,
            expiry_told: false,
        })
    }

    /// What is served.
    pub fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served)
    }

    /// Looks after the files for ever.
    pub async fn keep(mut self, clock: Arc<dyn Clock>) {
        loop {
            sleep(LOOK_EVERY).await;
            let now = clock.now();
            // A file may be on a slow disk, and nobody else must wait for it.
            let looked = tokio::task::spawn_blocking(move || {
                self.look_and_tell(now);
                self
            });
            let Ok(keeper) = looked.await else { return };
            self = keeper;
        }
    }

    fn look_and_tell(&mut self, now: Timestamp) {
        match self.look(now) {
            Look::Unchanged => {}
            Look::Replaced => {
                let expires_at = self.expires_at;
                tracing::info!(path = %self.files.certificate.display(), %expires_at, "a new certificate is served");
            }
            Look::Kept(error) => {
                tracing::error!(%error, "the new certificate won't do, and the old one is served still");
            }
            Look::Expired => {
                tracing::error!(path = %self.files.certificate.display(), "the certificate has expired: put a renewed one in its place");
            }
        }
    }

    fn look(&mut self, now: Timestamp) -> Look {
        let (content, identity) = examine(&self.files, now);
        if content == self.judged {
            self.seen = content;
            return self.look_at_expiry(now);
        }
        // Of two files one is written first: a change is judged when it has stood for a look.
        if content != self.seen {
            self.seen = content;
            return Look::Unchanged;
        }
        self.judged = content;
        match identity {
            Ok(identity) => {
                self.expires_at = identity.expires_at();
                self.expiry_told = false;
                tell_expiry(self.expires_at);
                self.served.replace(identity);
                Look::Replaced
            }
            Err(error) => Look::Kept(error),
        }
    }

    fn look_at_expiry(&mut self, now: Timestamp) -> Look {
        if now <= self.expires_at || self.expiry_told {
            return Look::Unchanged;
        }
        self.expiry_told = true;
        Look::Expired
    }
}

/// Reads and judges the files.
fn examine(files: &CertificateFiles, now: Timestamp) -> (Content, Result<Identity, IdentityError>) {
    let read = pem_file::read(&files.certificate)
        .and_then(|chain| Ok((chain, pem_file::read(&files.key)?)));
    match read {
        Ok((chain, key)) => {
            let parts = [&Sha256::digest(&chain)[..], &Sha256::digest(&key)[..]];
            let content = Content(Sha256::digest(parts.concat()).into());
            (content, Identity::of(files, &chain, &key, now))
        }
        Err(error) => {
            let content = Content(Sha256::digest(error.to_string()).into());
            (content, Err(error))
        }
    }
}

fn tell_expiry(expires_at: Timestamp) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a second more or less does not matter"
    )]
    gauge!("hangar_tls_certificate_expiry_seconds").set(expires_at.as_second() as f64);
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use jiff::SignedDuration;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};

    use super::*;

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    /// A certificate of its own and its key, in PEM, valid in these years.
    fn pair(from: i32, until: i32) -> (String, String) {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(vec!["hangar.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        (
            pem("CERTIFICATE", certificate.der()),
            pem("PRIVATE KEY", &key.serialize_der()),
        )
    }

    fn pem(label: &str, der: &[u8]) -> String {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let text = BASE64_STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }

    fn files(directory: &Path) -> CertificateFiles {
        CertificateFiles {
            certificate: directory.join("cert.pem"),
            key: directory.join("key.pem"),
        }
    }

    fn write(files: &CertificateFiles, pair: &(String, String)) {
        fs::write(&files.certificate, &pair.0).unwrap();
        fs::write(&files.key, &pair.1).unwrap();
    }

    #[test]
    fn new_files_are_taken_up_when_they_stand_still() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let (old, new) = (pair(2026, 2027), pair(2026, 2028));
        write(&files, &old);
        let mut keeper = Keeper::open(files.clone(), now()).unwrap();
        assert!(matches!(keeper.look(now()), Look::Unchanged));

        // The certificate comes first: with the old key it would not do, and nobody is told.
        fs::write(&files.certificate, &new.0).unwrap();
        assert!(matches!(keeper.look(now()), Look::Unchanged));
        fs::write(&files.key, &new.1).unwrap();
        assert!(matches!(keeper.look(now()), Look::Unchanged));
        assert!(matches!(keeper.look(now()), Look::Replaced));
        assert!(matches!(keeper.look(now()), Look::Unchanged));
        assert_eq!(keeper.expires_at.to_string(), "2028-01-01T00:00:00Z");
    }

    #[test]
    fn new_files_that_wont_do_are_told_once_and_leave_the_old() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let good = pair(2026, 2027);
        write(&files, &good);
        let mut keeper = Keeper::open(files.clone(), now()).unwrap();
        fs::remove_file(&files.key).unwrap();
        assert!(matches!(keeper.look(now()), Look::Unchanged));
        let Look::Kept(error) = keeper.look(now()) else {
            panic!("a missing key");
        };
        assert!(error.to_string().contains("key.pem"), "{error}");
        assert!(matches!(keeper.look(now()), Look::Unchanged));
        write(&files, &pair(2024, 2025));
        keeper.look(now());
        assert!(matches!(
            keeper.look(now()),
            Look::Kept(IdentityError::Expired { .. })
        ));
        // The very old ones again are a change like any other.
        write(&files, &good);
        keeper.look(now());
        assert!(matches!(keeper.look(now()), Look::Replaced));
    }

    #[test]
    fn a_certificate_that_expires_while_it_is_served_is_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        write(&files, &pair(2026, 2027));
        let mut keeper = Keeper::open(files, now()).unwrap();
        let later = now() + SignedDuration::from_hours(24 * 365);
        assert!(matches!(keeper.look(later), Look::Expired));
        assert!(matches!(keeper.look(later), Look::Unchanged));
    }

    #[test]
    fn files_that_wont_do_are_named_with_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let good = pair(2026, 2027);
        let (certificate, key) = (good.0.as_str(), good.1.as_str());
        let other = pair(2026, 2027);
        let expired = pair(2024, 2025);
        let early = pair(2027, 2028);
        let locked = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        let cut = &certificate[..certificate.len() / 2];
        let twice = format!("{}{certificate}", other.0);
        let broken_chain = format!("{certificate}{}", pem("CERTIFICATE", b"0123456789"));
        for (certificate, key, named, told) in [
            ("", key, "cert.pem", "holds no certificate in PEM"),
            (key, key, "cert.pem", "perhaps the two files are confused"),
            (cut, key, "cert.pem", "its PEM is damaged"),
            ("0\u{2}\u{2}", key, "cert.pem", "holds no certificate"),
            (
                broken_chain.as_str(),
                key,
                "cert.pem",
                "certificate 2 is damaged",
            ),
            (certificate, "", "key.pem", "holds no private key in PEM"),
            (certificate, certificate, "key.pem", "perhaps the two files"),
            (certificate, locked.as_str(), "key.pem", "openssl pkey"),
            (certificate, &key[..key.len() / 2], "key.pem", "damaged"),
            (certificate, other.1.as_str(), "key.pem", "does not belong"),
            (twice.as_str(), key, "cert.pem", "stand first"),
            (
                expired.0.as_str(),
                expired.1.as_str(),
                "cert.pem",
                "expired at 2025-01-01",
            ),
            (
                early.0.as_str(),
                early.1.as_str(),
                "cert.pem",
                "valid from 2027-01-01",
            ),
        ] {
            write(&files, &(certificate.to_owned(), key.to_owned()));
            let error = Identity::read(&files, now()).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
            assert!(error.contains(told), "{told} is not in: {error}");
        }
        let mut der = vec![0x30, 0x82];
        der.extend(b"rest");
        fs::write(&files.certificate, der).unwrap();
        let error = Identity::read(&files, now()).unwrap_err().to_string();
        assert!(error.contains("openssl x509 -inform der"), "{error}");
        fs::write(&files.certificate, vec![b' '; 2 << 20]).unwrap();
        let error = Identity::read(&files, now()).unwrap_err().to_string();
        assert!(error.contains("larger than 1 MiB"), "{error}");
        fs::remove_file(&files.certificate).unwrap();
        let error = Identity::read(&files, now()).unwrap_err().to_string();
        assert!(error.contains("cert.pem can't be read: "), "{error}");
        // With those above it behind it, a certificate is a chain.
        let chain = format!("{certificate}{}", other.0);
        write(&files, &(chain, key.to_owned()));
        let identity = Identity::read(&files, now()).unwrap();
        assert_eq!(identity.key.cert.len(), 2);
    }
}
