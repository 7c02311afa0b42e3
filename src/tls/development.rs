//! The certificate authority of `--dev`: one a data directory, good for this machine alone.
//!
//! Whoever trusts it trusts whoever can read its key, so its certificates are constrained to
//! localhost and loopback addresses: nobody can be someone else with it.

use std::{
    fs, io,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType, date_time_ymd,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::{Identity, IdentityError, identity::validity, pem_file};

const DIRECTORY: &str = "tls";
const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.der";

const AUTHORITY_YEARS: i32 = 10;
/// No longer than any client takes a certificate for.
const CERTIFICATE_DAYS: i32 = 397;

/// The authority: a key, and a certificate that says what it may sign.
pub struct DevelopmentCa {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    expires_at: Timestamp,
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Existing {
    Keep,
    Replace,
}

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentCaError {
    /// There was none before.
    #[error(
        "there is no development certificate authority in {0}: start `hangar serve --dev` first, or name its directory with --data-dir"
    )]
    Absent(PathBuf),
    /// A file can't be read or written.
    #[error("{path} can't be used: {error}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The files are not what was written once.
    #[error(
        "the development certificate authority in {directory} can't be used: {reason}. Remove that directory to have a new one made, which has to be trusted anew"
    )]
    Damaged {
        /// The directory.
        directory: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The cryptographic library would not do it.
    #[error("a development certificate can't be made: {0}")]
    Cryptography(String),
}

impl From<rcgen::Error> for DevelopmentCaError {
    fn from(error: rcgen::Error) -> Self {
        Self::Cryptography(error.to_string())
    }
}

/// Where the authority of a data directory has its certificate.
pub fn ca_path(data_dir: &Path) -> PathBuf {
    data_dir.join(DIRECTORY).join(CERTIFICATE_FILE)
}

impl DevelopmentCa {
    /// Opens the authority that is kept in the data directory, and makes one where there is none or
    /// its time is over.
    pub fn open(data_dir: &Path, now: Timestamp) -> Result<Self, DevelopmentCaError> {
        let home = data_dir.join(DIRECTORY);
        make_directory(&home)?;
        let key = open_key(&home)?;
        let path = ca_path(data_dir);
        if !path.exists() {
            let certificate = self_signed(&key, now)?;
            keep(&path, pem(&certificate).as_bytes(), Existing::Keep)?;
        }
        let certificate = read_certificate(&home, &path)?;
        let (_, expires_at) =
            validity(&certificate).map_err(|error| damaged(&home, &error.to_string()))?;
        let ca = Self {
            certificate,
            key,
            expires_at,
        };
        if !ca.is_of_its_key() {
            return Err(damaged(&home, "its certificate and its key don't match"));
        }
        if now <= expires_at {
            return Ok(ca);
        }
        tracing::warn!(path = %path.display(), "the development certificate authority has expired and was made anew: see `hangar trust`");
        let certificate = self_signed(&ca.key, now)?;
        keep(&path, pem(&certificate).as_bytes(), Existing::Replace)?;
        let (_, expires_at) =
            validity(&certificate).map_err(|error| damaged(&home, &error.to_string()))?;
        Ok(Self {
            certificate,
            key: ca.key,
            expires_at,
        })
    }

    /// Makes a certificate for localhost, the usual loopback addresses, and this one.
    pub fn issue(&self, address: IpAddr, now: Timestamp) -> Result<Identity, DevelopmentCaError> {
        let cryptography =
            |error: rustls::Error| DevelopmentCaError::Cryptography(error.to_string());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut addresses = vec![
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        if !addresses.contains(&address) {
            addresses.push(address);
        }
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        let addresses = addresses.into_iter().map(SanType::IpAddress);
        params.subject_alt_names.extend(addresses);
        params.distinguished_name = name("Hangar, for development");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let today = day(now);
        let last = today.saturating_add(CERTIFICATE_DAYS.days());
        set_time(
            &mut params,
            yesterday(today),
            last.min(day(self.expires_at)),
        );
        let authority = authority_params(&self.key, now);
        let issuer = Issuer::from_params(&authority, &self.key);
        let certificate = params.signed_by(&key, &issuer)?.der().clone();
        let (_, expires_at) = validity(&certificate).map_err(cryptography)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Identity::assemble(vec![certificate], key.into(), expires_at).map_err(cryptography)
    }

    /// The authority's own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// What clients have to trust, in PEM.
    pub fn pem(&self) -> String {
        pem(&self.certificate)
    }

    fn is_of_its_key(&self) -> bool {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        Identity::assemble(vec![self.certificate.clone()], key.into(), self.expires_at).is_ok()
    }
}

fn make_directory(home: &Path) -> Result<(), DevelopmentCaError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)
        .map_err(|error| DevelopmentCaError::Unusable {
            path: home.to_owned(),
            error,
        })
}

fn open_key(home: &Path) -> Result<KeyPair, DevelopmentCaError> {
    let path = home.join(KEY_FILE);
    if !path.exists() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        keep(&path, key.serialized_der(), Existing::Keep)?;
    }
    let der = fs::read(&path).map_err(|error| DevelopmentCaError::Unusable { path, error })?;
    let der = PrivatePkcs8KeyDer::from(der);
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
        .map_err(|_| damaged(home, "its key is no ECDSA key"))
}

fn read_certificate(
    home: &Path,
    path: &Path,
) -> Result<CertificateDer<'static>, DevelopmentCaError> {
    let read = pem_file::read(path).and_then(|content| pem_file::certificates(path, &content));
    match read {
        Ok(certificates) => certificates
            .into_iter()
            .next()
            .ok_or_else(|| damaged(home, "its certificate is empty")),
        Err(IdentityError::Unreadable { path, error }) => {
            Err(DevelopmentCaError::Unusable { path, error })
        }
        Err(error) => Err(damaged(home, &error.to_string())),
    }
}

fn damaged(directory: &Path, reason: &str) -> DevelopmentCaError {
    DevelopmentCaError::Damaged {
        directory: directory.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Writes a file that only its owner reads. Of two who write at once the first one's stays. It is
/// not synced: a start need not wait for the disk, and a loss of power costs no more than to trust
/// a new authority.
fn keep(path: &Path, content: &[u8], existing: Existing) -> Result<(), DevelopmentCaError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let written = NamedTempFile::new_in(directory).and_then(|mut file| {
        file.write_all(content)?;
        let named = match existing {
            Existing::Keep => file.persist_noclobber(path),
            Existing::Replace => file.persist(path),
        };
        named.map(drop).map_err(|unnamed| unnamed.error)
    });
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let path = path.to_owned();
            Err(DevelopmentCaError::Unusable { path, error })
        }
        _ => Ok(()),
    }
}

fn self_signed(
    key: &KeyPair,
    now: Timestamp,
) -> Result<CertificateDer<'static>, DevelopmentCaError> {
    let certificate = authority_params(key, now).self_signed(key)?;
    Ok(certificate.der().clone())
}

/// What the authority's certificate says: the same for a key at any time, but for the dates.
fn authority_params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let digest = Sha256::digest(key.der_bytes());
    let mark = digest
        .iter()
        .take(4)
        .fold(String::new(), |mark, byte| mark + &format!("{byte:02x}"));
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&format!("Hangar development authority {mark}"));
    // It signs certificates of servers, and no other authority's.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
                Ipv6Addr::LOCALHOST.octets(),
                128,
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    let today = day(now);
    let last = today.saturating_add(AUTHORITY_YEARS.years());
    set_time(&mut params, yesterday(today), last);
    params
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Hangar");
    name.push(DnType::CommonName, common_name);
    name
}

fn day(instant: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(instant).date()
}

/// Machines' clocks differ a little.
fn yesterday(day: Date) -> Date {
    day.saturating_sub(1.days())
}

/// Valid from a day's beginning to another's.
fn set_time(params: &mut CertificateParams, from: Date, until: Date) {
    let midnight = |day: Date| {
        let (month, date) = (day.month().unsigned_abs(), day.day().unsigned_abs());
        date_time_ymd(day.year().into(), month, date)
    };
    params.not_before = midnight(from);
    params.not_after = midnight(until);
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    let mut lines = vec!["-----BEGIN CERTIFICATE-----"];
    let mut rest = text.as_str();
    while let Some((line, after)) = rest.split_at_checked(64) {
        lines.push(line);
        rest = after;
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines.push("-----END CERTIFICATE-----\n");
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

    use jiff::SignedDuration;
    use rustls::{
        CertificateError, Error, RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    };
    use rustls_pki_types::{ServerName, UnixTime};

    use super::*;
    use crate::tls::provider;

    fn now() -> Timestamp {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    /// Whether a client that trusts this authority takes this identity for this name.
    fn verified(ca: &DevelopmentCa, identity: &Identity, name: &str) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots.add(ca.certificate().clone()).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        let verifier = verifier.build().unwrap();
        let chain = &identity.key.cert;
        let seconds = now().as_second().unsigned_abs();
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier
            .verify_server_cert(&chain[0], &chain[1..], &name, &[], time)
            .map(drop)
    }

    #[test]
    fn it_is_made_once_and_nobody_elses() {
        let data = tempfile::tempdir().unwrap();
        let first = DevelopmentCa::open(data.path(), now()).unwrap();
        let again = DevelopmentCa::open(data.path(), now()).unwrap();
        assert_eq!(first.certificate(), again.certificate());
        let home = data.path().join(DIRECTORY);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home), 0o700);
        for file in [KEY_FILE, CERTIFICATE_FILE] {
            assert_eq!(mode(&home.join(file)), 0o600, "{file}");
        }
        let pem = fs::read_to_string(ca_path(data.path())).unwrap();
        assert!(pem.lines().all(|line| line.len() <= 64));
        let other = tempfile::tempdir().unwrap();
        let other = DevelopmentCa::open(other.path(), now()).unwrap();
        assert_ne!(first.certificate(), other.certificate());
    }

    #[test]
    fn its_certificates_are_good_for_this_machine_alone() {
        let data = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(data.path(), now()).unwrap();
        let identity = || ca.issue("127.0.0.9".parse().unwrap(), now()).unwrap();
        for name in ["localhost", "127.0.0.1", "127.0.0.9", "::1"] {
            verified(&ca, &identity(), name).unwrap();
        }
        for name in ["example.com", "10.0.0.1", "127.0.0.8"] {
            verified(&ca, &identity(), name).unwrap_err();
        }
    }

    #[test]
    fn its_key_signs_for_no_other_name() {
        let data = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(data.path(), now()).unwrap();
        let authority = authority_params(&ca.key, now());
        let issuer = Issuer::from_params(&authority, &ca.key);
        let forged = |name: &str| {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let certificate = params.signed_by(&key, &issuer).unwrap();
            let key = PrivatePkcs8KeyDer::from(key.serialize_der());
            let chain = vec![certificate.der().clone()];
            Identity::assemble(chain, key.into(), now()).unwrap()
        };
        // The way to forge is the right one: for a name within the constraints it works.
        verified(&ca, &forged("localhost"), "localhost").unwrap();
        verified(&ca, &forged("127.8.8.8"), "127.8.8.8").unwrap();
        for name in ["example.com", "localhost.example.com", "10.0.0.1", "::2"] {
            let error = verified(&ca, &forged(name), name).unwrap_err();
            let told = format!("{error:?}");
            assert!(told.contains("NameConstraint"), "{name}: {told}");
            assert!(matches!(
                error,
                Error::InvalidCertificate(CertificateError::Other(_))
            ));
        }
    }

    #[test]
    fn an_authority_whose_time_is_over_is_made_anew() {
        let data = tempfile::tempdir().unwrap();
        let first = DevelopmentCa::open(data.path(), now()).unwrap();
        let year = SignedDuration::from_hours(24 * 365);
        let later = DevelopmentCa::open(data.path(), now() + year * 9).unwrap();
        assert_eq!(first.certificate(), later.certificate());
        let end = later.issue("127.0.0.1".parse().unwrap(), now() + year * 10 - year / 12);
        assert!(end.unwrap().expires_at() <= later.expires_at);
        let anew = DevelopmentCa::open(data.path(), now() + year * 11).unwrap();
        assert_ne!(first.certificate(), anew.certificate());
        assert!(anew.expires_at > now() + year * 20);
    }

    #[test]
    fn damage_is_told_with_what_to_do() {
        let data = tempfile::tempdir().unwrap();
        DevelopmentCa::open(data.path(), now()).unwrap();
        let other = tempfile::tempdir().unwrap();
        DevelopmentCa::open(other.path(), now()).unwrap();
        let home = data.path().join(DIRECTORY);
        let others = fs::read(ca_path(other.path())).unwrap();
        for (file, content, told) in [
            (CERTIFICATE_FILE, others.as_slice(), "don't match"),
            (CERTIFICATE_FILE, b"", "no certificate in PEM"),
            (KEY_FILE, b"x", "no ECDSA key"),
        ] {
            fs::write(home.join(file), content).unwrap();
            let error = DevelopmentCa::open(data.path(), now()).err().unwrap();
            let error = error.to_string();
            assert!(error.contains(told), "{error}");
            assert!(error.contains("Remove that directory"), "{error}");
        }
    }
}
