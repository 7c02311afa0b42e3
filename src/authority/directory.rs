//! Whom the authority knows: tenants, users and clients, from a file in TOML.
//!
//! The ready default is `users.toml` beside this file.

use std::collections::HashSet;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::redirect;
use crate::domain::tenant::{PERSONAL_ACCOUNTS, TenantId};

/// The default, as text, to be put beside the key for editing.
pub const READY_MADE: &str = include_str!("users.toml");

/// Everybody that the authority issues tokens to.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The tenants, the default one first.
    pub tenants: Vec<Tenant>,
    /// The users, each in one tenant.
    pub users: Vec<User>,
    /// The applications, known in every tenant.
    pub clients: Vec<Client>,
    /// The principal name of the user that device codes are approved for by themselves. Without one a
    /// person must sign in for each.
    pub device_code_user: Option<String>,
}

/// Whom an authority knows besides those of its users file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "File", into = "File")]
pub struct Additions {
    /// The tenants.
    pub tenants: Vec<Tenant>,
    /// The users, in these tenants or in others.
    pub users: Vec<User>,
    /// The applications.
    pub clients: Vec<Client>,
}

/// A tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id in tokens.
    pub id: TenantId,
    /// What it may be called by in addresses and on the command line.
    pub name: String,
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// A short name, unique in the tenant.
    pub name: String,
    /// The sign-in name, unique everywhere.
    pub principal_name: String,
    /// The password of the password grant.
    pub password: SecretString,
    /// Where the user is at home.
    pub tenant: TenantId,
    /// Token claim: `oid`.
    pub object_id: Uuid,
    /// The scopes that the user can give to a client.
    pub scopes: Vec<String>,
}

/// An application.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id, in tokens `azp`.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// What a confidential client proves itself with. Public clients have none.
    pub secret: Option<SecretString>,
    /// Token claim: `oid`, where the application acts for itself.
    pub object_id: Uuid,
    /// The application roles that it has.
    pub roles: Vec<String>,
    /// Where it may be led back to after a sign-in, besides this machine's own addresses.
    pub redirect_uris: Vec<String>,
}

/// A users file that can't be used.
#[derive(Debug, Error)]
pub enum InvalidDirectory {
    /// It is not TOML, or not of this shape.
    #[error("the users file can't be read: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// Something that must be a GUID isn't.
    #[error("in the users file, `{0}` is not a GUID")]
    NotAGuid(String),
    /// Two of a kind have the same name.
    #[error("in the users file, `{0}` stands for two")]
    Ambiguous(String),
    /// A name that stands for nobody.
    #[error("the users file names `{0}`, which it does not list")]
    Unknown(String),
    /// A client can't be led back there.
    #[error(
        "in the users file, the redirect URI `{0}` can't be followed: it needs a scheme, and may have \
         no user name, fragment or blanks"
    )]
    BadRedirect(String),
    /// There is nobody to issue tokens to.
    #[error("the users file needs a tenant, a user and a client at least")]
    Empty,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(skip_serializing_if = "Option::is_none")]
    device_code_user: Option<String>,
    #[serde(default)]
    tenants: Vec<FileTenant>,
    #[serde(default)]
    users: Vec<FileUser>,
    #[serde(default)]
    clients: Vec<FileClient>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTenant {
    name: String,
    id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileUser {
    name: String,
    principal_name: String,
    password: String,
    tenant: String,
    object_id: String,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileClient {
    name: String,
    id: String,
    object_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redirect_uris: Vec<String>,
}

impl Directory {
    /// The default: two tenants with an administrator each, a reader, and a personal account.
    pub fn ready_made() -> Result<Self, InvalidDirectory> {
        Self::from_toml(READY_MADE)
    }

    /// Reads a users file.
    pub fn from_toml(text: &str) -> Result<Self, InvalidDirectory> {
        let file: File = toml::from_str(text)?;
        let tenants = file.tenants.into_iter().map(Tenant::try_from);
        let mut directory = Self {
            tenants: tenants.collect::<Result<_, _>>()?,
            users: Vec::new(),
            clients: Vec::new(),
            device_code_user: file.device_code_user,
        };
        for user in file.users {
            let user = directory.read_user(user)?;
            directory.users.push(user);
        }
        let clients = file.clients.into_iter().map(Client::try_from);
        directory.clients = clients.collect::<Result<_, _>>()?;
        directory.check()?;
        Ok(directory)
    }

    /// The same directory and these besides.
    pub fn with(&self, additions: &Additions) -> Result<Self, InvalidDirectory> {
        let mut directory = self.clone();
        directory.tenants.extend(additions.tenants.iter().cloned());
        directory.users.extend(additions.users.iter().cloned());
        directory.clients.extend(additions.clients.iter().cloned());
        directory.check()?;
        Ok(directory)
    }

    /// The tenant of this id or name.
    pub fn find_tenant(&self, id_or_name: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| {
            tenant.name.eq_ignore_ascii_case(id_or_name) || id_or_name.parse() == Ok(tenant.id)
        })
    }

    /// The user of this short or principal name; of several, the first in the file.
    /// With a tenant, only its own users count.
    pub fn find_user(&self, name: &str, tenant: Option<TenantId>) -> Option<&User> {
        self.users
            .iter()
            .filter(|user| tenant.is_none_or(|tenant| tenant == user.tenant))
            .find(|user| {
                user.name.eq_ignore_ascii_case(name)
                    || user.principal_name.eq_ignore_ascii_case(name)
            })
    }

    /// The client of this id.
    pub fn find_client(&self, id: &str) -> Option<&Client> {
        self.clients
            .iter()
            .find(|client| client.id.eq_ignore_ascii_case(id))
    }

    /// The user that a device code is approved for by itself, in `tenant` if one was asked for.
    pub(super) fn device_code_user(&self, tenant: Option<TenantId>) -> Option<&User> {
        let name = self.device_code_user.as_deref()?;
        let mut others = self.users.iter();
        self.find_user(name, tenant).or_else(|| {
            others.find(|user| match tenant {
                Some(tenant) => tenant == user.tenant,
                None => user.tenant != PERSONAL_ACCOUNTS,
            })
        })
    }

    fn read_user(&self, user: FileUser) -> Result<User, InvalidDirectory> {
        let Some(tenant) = self.find_tenant(&user.tenant) else {
            return Err(InvalidDirectory::Unknown(user.tenant));
        };
        user.into_user(tenant.id)
    }

    fn check(&self) -> Result<(), InvalidDirectory> {
        if self.tenants.is_empty() || self.users.is_empty() || self.clients.is_empty() {
            return Err(InvalidDirectory::Empty);
        }
        let tenants = self.tenants.iter().map(|tenant| tenant.name.clone());
        unique(tenants)?;
        unique(self.tenants.iter().map(|tenant| tenant.id.to_string()))?;
        unique(self.users.iter().map(|user| user.principal_name.clone()))?;
        unique(self.clients.iter().map(|client| client.id.clone()))?;
        let mut redirects = self.clients.iter().flat_map(|client| &client.redirect_uris);
        if let Some(bad) = redirects.find(|uri| !redirect::is_registrable(uri)) {
            return Err(InvalidDirectory::BadRedirect(bad.clone()));
        }
        match &self.device_code_user {
            Some(name) if self.find_user(name, None).is_none() => {
                Err(InvalidDirectory::Unknown(name.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl FileUser {
    fn into_user(self, tenant: TenantId) -> Result<User, InvalidDirectory> {
        Ok(User {
            tenant,
            object_id: guid(&self.object_id)?,
            name: self.name,
            principal_name: self.principal_name,
            password: SecretString::from(self.password),
            scopes: self.scopes,
        })
    }
}

impl TryFrom<FileTenant> for Tenant {
    type Error = InvalidDirectory;

    fn try_from(tenant: FileTenant) -> Result<Self, InvalidDirectory> {
        Ok(Self {
            id: TenantId(guid(&tenant.id)?),
            name: tenant.name,
        })
    }
}

impl TryFrom<FileClient> for Client {
    type Error = InvalidDirectory;

    fn try_from(client: FileClient) -> Result<Self, InvalidDirectory> {
        Ok(Self {
            object_id: guid(&client.object_id)?,
            id: client.id,
            name: client.name,
            secret: client.secret.map(SecretString::from),
            roles: client.roles,
            redirect_uris: client.redirect_uris,
        })
    }
}

/// Users of additions name their tenants by their ids: these may be in the users file.
impl TryFrom<File> for Additions {
    type Error = InvalidDirectory;

    fn try_from(file: File) -> Result<Self, InvalidDirectory> {
        let tenants = file.tenants.into_iter().map(Tenant::try_from);
        let users = file.users.into_iter().map(|user| {
            let tenant = TenantId(guid(&user.tenant)?);
            user.into_user(tenant)
        });
        let clients = file.clients.into_iter().map(Client::try_from);
        Ok(Self {
            tenants: tenants.collect::<Result<_, _>>()?,
            users: users.collect::<Result<_, _>>()?,
            clients: clients.collect::<Result<_, _>>()?,
        })
    }
}

impl From<Additions> for File {
    fn from(additions: Additions) -> Self {
        let tenants = additions.tenants.into_iter().map(|tenant| FileTenant {
            name: tenant.name,
            id: tenant.id.to_string(),
        });
        let users = additions.users.into_iter().map(|user| FileUser {
            name: user.name,
            principal_name: user.principal_name,
            password: user.password.expose_secret().to_owned(),
            tenant: user.tenant.to_string(),
            object_id: user.object_id.to_string(),
            scopes: user.scopes,
        });
        let clients = additions.clients.into_iter().map(|client| FileClient {
            name: client.name,
            id: client.id,
            object_id: client.object_id.to_string(),
            secret: client
                .secret
                .map(|secret| secret.expose_secret().to_owned()),
            roles: client.roles,
            redirect_uris: client.redirect_uris,
        });
        Self {
            device_code_user: None,
            tenants: tenants.collect(),
            users: users.collect(),
            clients: clients.collect(),
        }
    }
}

fn guid(text: &str) -> Result<Uuid, InvalidDirectory> {
    Uuid::try_parse(text).map_err(|_| InvalidDirectory::NotAGuid(text.to_owned()))
}

fn unique(names: impl Iterator<Item = String>) -> Result<(), InvalidDirectory> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(InvalidDirectory::Ambiguous(name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_has_an_administrator_for_each_tenant() {
        let directory = Directory::ready_made().unwrap();
        for tenant in [
            "contoso",
            "fabrikam",
            "aaaaaaaa-0000-4000-8000-00000000000a",
        ] {
            let tenant = directory.find_tenant(tenant).unwrap().id;
            let administrator = directory.find_user("administrator", Some(tenant)).unwrap();
            let write = "DeviceManagementServiceConfig.ReadWrite.All";
            assert!(administrator.scopes.iter().any(|scope| scope == write));
        }
        let reader = directory.find_user("Reader@contoso.example", None).unwrap();
        assert!(!reader.scopes.iter().any(|scope| scope.contains("Write")));
        assert_eq!(
            directory.find_user("personal", None).unwrap().tenant,
            PERSONAL_ACCOUNTS
        );
    }

    #[test]
    fn a_device_code_is_for_a_user_of_the_tenant() {
        let directory = Directory::ready_made().unwrap();
        let name = |tenant: Option<&str>| {
            let tenant = tenant.map(|name| directory.find_tenant(name).unwrap().id);
            directory
                .device_code_user(tenant)
                .unwrap()
                .principal_name
                .clone()
        };
        assert_eq!(name(None), "administrator@contoso.example");
        assert_eq!(name(Some("fabrikam")), "administrator@fabrikam.example");
        assert_eq!(name(Some("personal")), "somebody@personal.example");
        let mut without = directory.clone();
        without.device_code_user = None;
        assert!(without.device_code_user(None).is_none());
    }

    #[test]
    fn a_faulty_file_is_refused_with_its_fault() {
        let edited = |from: &str, to: &str| {
            assert!(READY_MADE.contains(from), "{from}");
            Directory::from_toml(&READY_MADE.replace(from, to))
                .unwrap_err()
                .to_string()
        };
        let table = [
            ("name = \"reader\"", "nmae = \"reader\"", "nmae"),
            ("tenant = \"fabrikam\"", "tenant = \"nowhere\"", "`nowhere`"),
            (
                "aaaaaaaa-0000-4000-8000-000000000001",
                "1",
                "`1` is not a GUID",
            ),
            (
                "somebody@personal.example",
                "Reader@contoso.example",
                "stands for two",
            ),
            (
                "device_code_user = \"administrator@",
                "device_code_user = \"nobody@",
                "nobody@",
            ),
            (
                "secret = \"hangar\"",
                "redirect_uris = [\"javascript:alert(1)\"]",
                "`javascript:alert(1)` can't be followed",
            ),
        ];
        for (from, to, expected) in table {
            let message = edited(from, to);
            assert!(message.contains(expected), "{message}");
        }
        assert!(matches!(
            Directory::from_toml(""),
            Err(InvalidDirectory::Empty)
        ));
    }
}
