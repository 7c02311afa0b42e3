//! A small token authority for development, shaped like Entra's v2 endpoints.
//!
//! It is there with `--dev` only. Its users and passwords are no secret, so a server that trusts it
//! trusts everybody who reaches it. What its tokens are worth is decided in `http::auth`.

mod authorization;
mod client_proof;
mod delegated;
mod device_codes;
mod device_page;
pub mod directory;
mod discovery;
mod endpoints;
mod form;
pub mod fuzzing;
mod grants;
mod issue;
mod kept;
mod oauth_error;
mod outstanding;
mod page;
mod pkce;
mod private_file;
mod realm;
mod redirect;
mod sign_in_page;
mod sign_out;
mod signing_key;
mod userinfo;
mod wish;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use axum::Router;
use serde_json::{Value, json};
use thiserror::Error;

pub use self::issue::{MintError, Scopes, Subject, TokenRequest};
pub use self::signing_key::KeyFailure;
use self::{
    directory::{Additions, Directory, InvalidDirectory},
    outstanding::Outstanding,
    private_file::Existing,
    signing_key::SigningKey,
};
use crate::domain::clock::Clock;

/// The service that tokens are for, unless another one is configured.
pub const DEFAULT_AUDIENCE: &str = "https://graph.microsoft.com";

const KEY_FILE: &str = "signing-key.der";
const USERS_FILE: &str = "users.toml";
const ADDITIONS_FILE: &str = "additions.toml";
const ISSUER_FILE: &str = "issuer";
const AUDIENCE_FILE: &str = "audience";

/// The authority: a key, and those it issues tokens to.
pub struct Authority {
    key: Arc<SigningKey>,
    /// Those of the users file.
    listed: Directory,
    /// Everybody. Only a rehearsal adds anybody.
    directory: RwLock<Arc<Directory>>,
    audience: String,
    /// Shared by those who come by http and by https.
    outstanding: Mutex<Outstanding>,
    /// Where the key is kept; nowhere for one in memory.
    home: Option<PathBuf>,
}

/// Why there is no authority.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// A file could not be read or written.
    #[error("`{path}`: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// There was no authority here before.
    #[error("there is no development authority in `{0}`")]
    Absent(PathBuf),
    /// The users file is faulty.
    #[error(transparent)]
    Directory(#[from] InvalidDirectory),
    /// The key is faulty.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// Those whom a rehearsal has added can't be read.
    #[error("`{path}` can't be read: {cause}")]
    Additions {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: toml::de::Error,
    },
}

/// Whether a path is one of the authority's, under whatever tenant.
pub fn serves(path: &str) -> bool {
    let below_tenant = path.trim_start_matches('/').split('/').nth(1);
    matches!(
        below_tenant,
        Some("oauth2" | "discovery" | "v2.0" | "openid" | "userrealm")
    )
}

impl Authority {
    /// Opens the authority that is kept in `home`, and makes one where there is none: the directory,
    /// a key, and the default users file for editing. `users_file` takes the place of the latter.
    pub fn open(home: &Path, users_file: Option<&Path>) -> Result<Self, AuthorityError> {
        private_file::create_directory(home).map_err(at(home))?;
        let key_path = home.join(KEY_FILE);
        if !key_path.exists() {
            let key = SigningKey::generate()?.to_pkcs8()?;
            private_file::write(&key_path, &key, Existing::Keep).map_err(at(&key_path))?;
        }
        if users_file.is_none() {
            let users = home.join(USERS_FILE);
            let content = directory::READY_MADE.as_bytes();
            if !users.exists() {
                private_file::write(&users, content, Existing::Keep).map_err(at(&users))?;
            }
        }
        Self::open_existing(home, users_file)
    }

    /// Opens an authority that was made before, and changes nothing.
    pub fn open_existing(home: &Path, users_file: Option<&Path>) -> Result<Self, AuthorityError> {
        let key_path = home.join(KEY_FILE);
        if !key_path.exists() {
            return Err(AuthorityError::Absent(home.to_owned()));
        }
        let key = SigningKey::from_pkcs8(&fs::read(&key_path).map_err(at(&key_path))?)?;
        let users = users_file.map_or_else(|| home.join(USERS_FILE), Path::to_owned);
        let directory = if users_file.is_some() || users.exists() {
            Directory::from_toml(&fs::read_to_string(&users).map_err(at(&users))?)?
        } else {
            Directory::ready_made()?
        };
        let audience = remembered(&home.join(AUDIENCE_FILE))?;
        let all = match remembered(&home.join(ADDITIONS_FILE))? {
            Some(text) => directory.with(&read_additions(home, &text)?)?,
            None => directory.clone(),
        };
        Ok(Self {
            key: Arc::new(key),
            listed: directory,
            directory: RwLock::new(Arc::new(all)),
            audience: audience.unwrap_or_else(|| DEFAULT_AUDIENCE.to_owned()),
            outstanding: Mutex::default(),
            home: Some(home.to_owned()),
        })
    }

    /// An authority that leaves nothing behind, for tests. All of one process share a key, because
    /// to generate one is slow.
    pub fn in_memory(directory: Directory) -> Result<Self, AuthorityError> {
        static KEY: Mutex<Option<Arc<SigningKey>>> = Mutex::new(None);
        let mut shared = KEY.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match &*shared {
            Some(key) => Arc::clone(key),
            None => Arc::clone(shared.insert(Arc::new(SigningKey::generate()?))),
        };
        Ok(Self {
            key,
            directory: RwLock::new(Arc::new(directory.clone())),
            listed: directory,
            audience: DEFAULT_AUDIENCE.to_owned(),
            outstanding: Mutex::default(),
            home: None,
        })
    }

    /// The same authority with tokens for another service.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        audience.clone_into(&mut self.audience);
        self
    }

    /// Whom the authority knows.
    pub fn directory(&self) -> Arc<Directory> {
        let directory = self.directory.read();
        Arc::clone(&directory.unwrap_or_else(PoisonError::into_inner))
    }

    /// Whom the users file lists.
    pub fn listed(&self) -> &Directory {
        &self.listed
    }

    /// Lets the authority know these besides those of the users file, and no longer those that were
    /// added before. They are written down, so that `hangar token` knows them too.
    pub fn add(&self, additions: &Additions) -> Result<(), AuthorityError> {
        let all = self.listed.with(additions)?;
        if let Some(home) = &self.home {
            let path = home.join(ADDITIONS_FILE);
            // What is read from TOML can be written as such.
            let text = toml::to_string(additions).unwrap_or_default();
            let written = private_file::write(&path, text.as_bytes(), Existing::Replace);
            written.map_err(at(&path))?;
        }
        let directory = self.directory.write();
        *directory.unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
        Ok(())
    }

    /// What has been given out and is waited for.
    fn outstanding(&self) -> MutexGuard<'_, Outstanding> {
        self.outstanding
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The service that tokens are for.
    fn audience(&self) -> &str {
        &self.audience
    }

    /// The public key, as the key endpoint shows it.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.key.jwk()] })
    }

    /// The issuer of this authority at `base_url`, with `{tenantid}` for the tenant.
    pub fn issuer_template(base_url: &str) -> String {
        format!("{}/{{tenantid}}/v2.0", base_url.trim_end_matches('/'))
    }

    /// Writes down the issuer under which this authority runs, and the audience of its tokens, so
    /// that `hangar token` names the same. In memory there is nothing to do.
    pub fn remember_issuer(&self, issuer: &str) -> Result<(), AuthorityError> {
        let Some(home) = &self.home else {
            return Ok(());
        };
        for (name, content) in [
            (AUDIENCE_FILE, self.audience.as_str()),
            (ISSUER_FILE, issuer),
        ] {
            let path = home.join(name);
            let written = private_file::write(&path, content.as_bytes(), Existing::Replace);
            written.map_err(at(&path))?;
        }
        Ok(())
    }

    /// The issuer that was written down last.
    pub fn remembered_issuer(&self) -> Result<Option<String>, AuthorityError> {
        match &self.home {
            Some(home) => remembered(&home.join(ISSUER_FILE)),
            None => Ok(None),
        }
    }

    /// The authority's endpoints. `base_url` is the address under which clients reach the router's
    /// root.
    pub fn router(self: Arc<Self>, base_url: &str, clock: Arc<dyn Clock>) -> Router {
        endpoints::router(self, base_url, clock)
    }
}

fn read_additions(home: &Path, text: &str) -> Result<Additions, AuthorityError> {
    toml::from_str(text).map_err(|cause| AuthorityError::Additions {
        path: home.join(ADDITIONS_FILE),
        cause,
    })
}

fn remembered(path: &Path) -> Result<Option<String>, AuthorityError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> AuthorityError {
    let path = path.to_owned();
    move |cause| AuthorityError::File { path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let data = tempfile::tempdir().unwrap();
        let home = data.path().join("deep").join("authority");
        assert!(matches!(
            Authority::open_existing(&home, None),
            Err(AuthorityError::Absent(_))
        ));
        let first = Authority::open(&home, None).unwrap();
        let again = Authority::open(&home, None).unwrap();
        assert_eq!(first.jwks(), again.jwks());
        assert_eq!(first.remembered_issuer().unwrap(), None);
        let first = first.with_audience("api://hangar");
        first.remember_issuer("http://one").unwrap();
        first.remember_issuer("http://two").unwrap();
        let existing = Authority::open_existing(&home, None).unwrap();
        assert_eq!(
            existing.remembered_issuer().unwrap().as_deref(),
            Some("http://two")
        );
        assert_eq!(existing.audience, "api://hangar");
        let names: Vec<_> = fs::read_dir(&home)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(names.len(), 4, "no draft is left behind");
        #[cfg(unix)]
        {
            assert_eq!(mode(&home), 0o700);
            assert_eq!(mode(home.parent().unwrap()), 0o700);
            assert!(names.iter().all(|name| mode(name) == 0o600));
        }
    }

    #[test]
    fn a_users_file_of_ones_own_takes_the_place_of_the_default() {
        let data = tempfile::tempdir().unwrap();
        let users = data.path().join("mine.toml");
        fs::write(&users, directory::READY_MADE.replace("contoso", "adatum")).unwrap();
        let home = data.path().join("authority");
        let authority = Authority::open(&home, Some(&users)).unwrap();
        assert!(authority.directory().find_tenant("adatum").is_some());
        assert!(!home.join(USERS_FILE).exists());
        fs::write(&users, "nonsense").unwrap();
        assert!(matches!(
            Authority::open(&home, Some(&users)),
            Err(AuthorityError::Directory(_))
        ));
    }

    #[test]
    fn the_issuer_has_the_tenant_in_its_path() {
        for base in ["http://localhost:8080", "http://localhost:8080/"] {
            assert_eq!(
                Authority::issuer_template(base),
                "http://localhost:8080/{tenantid}/v2.0"
            );
        }
    }
}
