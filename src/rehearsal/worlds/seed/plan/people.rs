//! The tenants, users and clients of a seed: who is there already must be as the file says.

use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{
    super::{SeedClient, SeedTenant, SeedUser},
    Maker,
};
use crate::{
    authority::directory::{Client, Tenant, User},
    domain::tenant::TenantId,
    rehearsal::worlds::fork::is_of_a_fork,
};

/// What an administrator may do, as the ready ones.
const ADMINISTRATOR_SCOPES: [&str; 2] =
    ["DeviceManagementServiceConfig.ReadWrite.All", "User.Read"];

/// The password of users of whom the file says none, as of the ready ones.
const PASSWORD: &str = "hangar";

impl Maker<'_> {
    pub(super) fn add_tenant(&mut self, place: &str, tenant: &SeedTenant) {
        self.check_name(&format!("{place}.name"), &tenant.name);
        if let Some(domain) = &tenant.domain {
            self.check_name(&format!("{place}.domain"), domain);
        }
        let by_name = self
            .tenants()
            .find(|known| known.name.eq_ignore_ascii_case(&tenant.name))
            .map(|known| known.id);
        let by_id = tenant.id.and_then(|id| {
            let known = self.tenants().find(|known| known.id.0 == id)?;
            Some((known.id, known.name.clone()))
        });
        let id = match (by_name, by_id, tenant.id) {
            (Some(known), _, Some(id)) if known.0 != id => {
                let told = format!("`{}` is the tenant {known}", tenant.name);
                self.faults.add(format!("{place}.id"), told);
                return;
            }
            (Some(known), _, _) => known,
            (None, Some((_, name)), _) => {
                let told = format!("this is the id of the tenant `{name}`");
                self.faults.add(format!("{place}.id"), told);
                return;
            }
            (None, None, id) => {
                let id = TenantId(id.unwrap_or_else(Uuid::new_v4));
                if is_of_a_fork(id) || id.0.is_nil() {
                    let told = "a tenant can't have this id: take another";
                    self.faults.add(format!("{place}.id"), told);
                    return;
                }
                self.people.tenants.push(Tenant {
                    id,
                    name: tenant.name.clone(),
                });
                id
            }
        };
        self.first.get_or_insert(id);
    }

    pub(super) fn add_user(&mut self, place: &str, user: &SeedUser) {
        let name_place = format!("{place}.principal_name");
        self.check_name(&name_place, &user.principal_name);
        if !user.principal_name.contains('@') {
            let told = "a sign-in name is a name, @ and a domain";
            self.faults.add(&name_place, told);
        }
        for (name, text) in [("name", &user.name), ("password", &user.password)] {
            if let Some(text) = text {
                self.check_name(&format!("{place}.{name}"), text);
            }
        }
        let Some(tenant) = self.tenant(place, user.tenant.as_deref()) else {
            return;
        };
        let (before, _) = user.principal_name.split_once('@').unwrap_or_default();
        let scopes = user.scopes.clone();
        let new = User {
            name: user.name.clone().unwrap_or_else(|| before.to_owned()),
            principal_name: user.principal_name.clone(),
            password: SecretString::from(user.password.as_deref().unwrap_or(PASSWORD)),
            tenant,
            object_id: user.object_id.unwrap_or_else(Uuid::new_v4),
            scopes: scopes.unwrap_or_else(|| ADMINISTRATOR_SCOPES.map(str::to_owned).to_vec()),
        };
        let named = |known: &&User| {
            known
                .principal_name
                .eq_ignore_ascii_case(&user.principal_name)
        };
        if self.people.users.iter().any(|known| named(&known)) {
            self.faults
                .add(name_place, "this user stands twice in the file");
            return;
        }
        match self.circumstances.directory.users.iter().find(named) {
            None => self.people.users.push(new),
            Some(known) => {
                let has_id = user.object_id.is_none_or(|id| id == known.object_id);
                if !is_same_user(known, &new) || !has_id {
                    let told = "this user is there already, and is not as the file says";
                    self.faults.add(name_place, told);
                }
            }
        }
    }

    /// A tenant that is new and has no user in the file has an administrator all the same.
    pub(super) fn add_administrator(&mut self, seeded: &SeedTenant) {
        let mut new = self.people.tenants.iter();
        let Some(tenant) = new.find(|tenant| tenant.name == seeded.name) else {
            return;
        };
        let (id, name) = (tenant.id, tenant.name.clone());
        if self.people.users.iter().any(|user| user.tenant == id) {
            return;
        }
        let domain = seeded.domain.clone();
        let domain = domain.unwrap_or_else(|| format!("{name}.example"));
        let principal_name = format!("administrator@{domain}");
        let all = &self.circumstances.directory.users;
        let mut users = all.iter().chain(&self.people.users);
        if users.any(|user| user.principal_name.eq_ignore_ascii_case(&principal_name)) {
            let told = format!("`{principal_name}` is in another tenant: list a user of `{name}`");
            self.faults.add("users", told);
            return;
        }
        self.people.users.push(User {
            name: "administrator".to_owned(),
            principal_name,
            password: SecretString::from(PASSWORD),
            tenant: id,
            object_id: Uuid::new_v4(),
            scopes: ADMINISTRATOR_SCOPES.map(str::to_owned).to_vec(),
        });
    }

    pub(super) fn add_client(&mut self, place: &str, client: &SeedClient) {
        self.check_name(&format!("{place}.id"), &client.id);
        self.check_name(&format!("{place}.name"), &client.name);
        let new = Client {
            id: client.id.clone(),
            name: client.name.clone(),
            secret: client.secret.clone().map(SecretString::from),
            object_id: client.object_id.unwrap_or_else(Uuid::new_v4),
            roles: client.roles.clone(),
            redirect_uris: client.redirect_uris.clone(),
        };
        let is_it = |known: &&Client| known.id.eq_ignore_ascii_case(&client.id);
        if self.people.clients.iter().any(|known| is_it(&known)) {
            let told = "this client stands twice in the file";
            self.faults.add(format!("{place}.id"), told);
            return;
        }
        match self.circumstances.directory.clients.iter().find(is_it) {
            None => self.people.clients.push(new),
            Some(known) => {
                let has_id = client.object_id.is_none_or(|id| id == known.object_id);
                let secret = |client: &Client| {
                    let secret = client.secret.as_ref();
                    secret.map(|secret| secret.expose_secret().to_owned())
                };
                let is_same = known.name == new.name
                    && known.roles == new.roles
                    && known.redirect_uris == new.redirect_uris
                    && secret(known) == secret(&new);
                if !is_same || !has_id {
                    let told = "this client is there already, and is not as the file says";
                    self.faults.add(format!("{place}.id"), told);
                }
            }
        }
    }

    /// A name, which stands in addresses and on command lines.
    pub(super) fn check_name(&mut self, place: &str, name: &str) {
        self.check_text(place, name);
        let is_bad = |letter: char| letter.is_control() || letter == '/';
        if name.trim().is_empty() || name.contains(is_bad) {
            self.faults.add(
                place,
                "a name is not blank, and has no slash and no control characters",
            );
        }
    }
}

fn is_same_user(one: &User, other: &User) -> bool {
    one.tenant == other.tenant
        && one.name == other.name
        && one.scopes == other.scopes
        && one.password.expose_secret() == other.password.expose_secret()
}
