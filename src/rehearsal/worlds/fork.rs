//! Forks: a copy of a world with tenants of its own, which callers get tokens for like for any other.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use super::{
    MAIN, MAX_FORKS, Worlds,
    catalogue::{Catalogue, ForkRecord, Tenancy},
    name,
    world::{self, blocking, failed, unpoisoned},
};
use crate::{
    authority::{
        Scopes, Subject, TokenRequest,
        directory::{Additions, Directory, Tenant, User},
    },
    domain::{
        id,
        tenant::{PERSONAL_ACCOUNTS, TenantId},
    },
    lifecycle::whole_file::WholeFile,
    rehearsal::control::Problem,
    store::operation::TenantSummary,
};

/// How long a fork's tokens are valid, by the rehearsal's clock.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// What the ids of forks' tenants begin with, so that a token of one that is gone is told from a
/// token of anybody else.
const MARK: [u8; 4] = *b"fork";

/// What lets a user change anything.
const WRITE: &str = "DeviceManagementServiceConfig.ReadWrite.All";

/// Of what a fork is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A world, as it is now.
    World(String),
    /// A snapshot.
    Snapshot(String),
}

/// A fork to make.
#[derive(Clone, Debug)]
pub struct NewFork {
    /// Its name.
    pub name: String,
    /// Of what.
    pub source: Source,
}

/// What is told of a world.
#[derive(Clone, Debug, Serialize)]
pub struct ForkTold {
    /// Its name.
    pub name: String,
    /// Of what it was made; nothing of the first.
    pub source: Option<String>,
    /// When.
    pub made_at: Option<Timestamp>,
    /// Its tenants.
    pub tenants: Vec<TenantTold>,
}

/// What is told of a tenant.
#[derive(Clone, Debug, Serialize)]
pub struct TenantTold {
    /// Its id, as clients use it.
    pub id: Uuid,
    /// Its name; nothing where the authority does not know it.
    pub name: Option<String>,
    /// The name of the tenant that it is a copy of, or its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// How many imports it has.
    pub imports: u64,
    /// How many of them wait.
    pub waiting: u64,
    /// How many devices it has.
    pub devices: u64,
    /// A token of its administrator, where it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrator: Option<TokenTold>,
    /// A token of an application, where it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<TokenTold>,
}

/// A token.
#[derive(Clone, Debug, Serialize)]
pub struct TokenTold {
    /// Whose it is: a principal name, or a client's id.
    pub of: String,
    /// The token.
    pub token: String,
    /// Until when it is valid, by the rehearsal's clock.
    pub expires_at: Timestamp,
}

/// Whether an id is of a tenant of a fork, one that is gone included.
pub(super) fn is_of_a_fork(tenant: TenantId) -> bool {
    tenant.0.as_bytes().starts_with(&MARK)
}

impl Worlds {
    /// Makes a fork, and answers its tenants with tokens for each.
    pub async fn fork(&self, new: NewFork) -> Result<ForkTold, Problem> {
        let mut catalogue = self.catalogue.lock().await;
        name::check("name", &new.name)?;
        if new.name == MAIN || catalogue.forks.iter().any(|fork| fork.name == new.name) {
            let told = format!("there is a world `{}` already", new.name);
            return Err(Problem::conflict(told).of("name"));
        }
        if catalogue.forks.len() >= MAX_FORKS {
            let told = format!("there are {MAX_FORKS} forks, as many as there can be: delete one");
            return Err(Problem::conflict(told));
        }
        let file = format!("{}.db", id::time_ordered(self.staff.clock.now()));
        let path = self.places.worlds().join(&file);
        let (source, directory) = match &new.source {
            Source::World(world) => (
                format!("world {world}"),
                self.people_of_main(&catalogue.seeded)?,
            ),
            Source::Snapshot(snapshot) => (
                format!("snapshot {snapshot}"),
                self.people_of_snapshot(&catalogue, snapshot)?,
            ),
        };
        let copy = self.copy_of(&catalogue, &new.source, &path).await?;
        blocking(move || copy.finish().map_err(failed)).await?;
        let store = world::open(&path)?;
        let rows = store.list_tenants().await.map_err(failed)?;
        let (tenants, people) = tenants_of(&new.name, &directory, &rows);
        let fork = ForkRecord {
            name: new.name,
            file,
            source,
            made_at: self.staff.clock.now(),
            tenants,
            people,
        };
        let mut next = catalogue.clone();
        next.forks.push(fork.clone());
        // Until this is done there is no fork, and its file is nobody's.
        if let Err(problem) = self.write_down(&mut catalogue, next).await {
            store.close().await;
            let _ = std::fs::remove_file(&path);
            return Err(problem);
        }
        self.admit(&fork, &path, store);
        let mut told = tell_fork(&fork, &directory, &rows);
        for tenant in &mut told.tenants {
            self.add_tokens(tenant);
        }
        Ok(told)
    }

    /// Removes a fork.
    pub async fn delete(&self, name: &str) -> Result<(), Problem> {
        let mut catalogue = self.catalogue.lock().await;
        self.remove(&mut catalogue, name).await
    }

    /// Every world, the first one first.
    pub async fn list(&self) -> Result<Vec<ForkTold>, Problem> {
        let catalogue = unpoisoned(self.written.lock()).clone();
        let directory = self.people_of_main(&catalogue.seeded)?;
        let mut told = vec![self.tell_main(&directory).await?];
        for fork in &catalogue.forks {
            // One that goes just now is not there any more.
            let Ok(share) = self.share_of("world", &fork.name).await else {
                continue;
            };
            let rows = share.store().list_tenants().await.map_err(failed)?;
            told.push(tell_fork(fork, &directory, &rows));
        }
        Ok(told)
    }

    async fn tell_main(&self, directory: &Directory) -> Result<ForkTold, Problem> {
        let share = self.share_of("world", MAIN).await?;
        let rows = share.store().list_tenants().await.map_err(failed)?;
        drop(share);
        let known = directory.tenants.iter();
        let known = known.map(|tenant| (tenant.id, Some(tenant.name.clone())));
        let named: HashSet<_> = directory.tenants.iter().map(|tenant| tenant.id).collect();
        let others = rows.iter().map(|row| row.tenant);
        let others = others.filter(|tenant| !named.contains(tenant));
        let all = known.chain(others.map(|tenant| (tenant, None)));
        Ok(ForkTold {
            name: MAIN.to_owned(),
            source: None,
            made_at: None,
            tenants: all
                .map(|(id, name)| tell_tenant(id.0, name, None, id, &rows))
                .collect(),
        })
    }

    /// A copy of a world or of a snapshot, to become the file at `to`.
    pub(super) async fn copy_of(
        &self,
        catalogue: &Catalogue,
        source: &Source,
        to: &std::path::Path,
    ) -> Result<WholeFile, Problem> {
        let to = to.to_owned();
        match source {
            Source::World(name) => {
                let world = self.find("world", name)?;
                // As long as it is copied, nothing takes its place.
                let share = world.share().await;
                let from = world.path().to_owned();
                let copied = blocking(move || world::copy_of(&from, &to)).await;
                drop(share);
                copied
            }
            Source::Snapshot(name) => {
                let from = self.file_of_snapshot(catalogue, name)?;
                blocking(move || world::copy_of_snapshot(&from, &to)).await
            }
        }
    }

    fn add_tokens(&self, told: &mut TenantTold) {
        let directory = self.authority.directory();
        let tenant = TenantId(told.id);
        let mut users = directory.users.iter().filter(|user| user.tenant == tenant);
        let can_write = |user: &&User| user.scopes.iter().any(|scope| scope == WRITE);
        let administrator = users.clone().find(can_write).or_else(|| users.next());
        let mut clients = directory.clients.iter();
        let public = clients.clone().find(|client| client.secret.is_none());
        let public = public.or(directory.clients.first());
        if let (Some(user), Some(client)) = (administrator, public) {
            let subject = Subject::User {
                principal_name: user.principal_name.clone(),
                client: client.id.clone(),
            };
            told.administrator = self.token(tenant, subject, &user.principal_name);
        }
        if let Some(client) = clients.find(|client| client.secret.is_some()) {
            let subject = Subject::Application {
                client: client.id.clone(),
            };
            told.application = self.token(tenant, subject, &client.id);
        }
    }

    fn token(&self, tenant: TenantId, subject: Subject, of: &str) -> Option<TokenTold> {
        let now = self.staff.clock.now();
        let request = TokenRequest {
            issuer: self.issuer.clone(),
            tenant,
            subject,
            scopes: Scopes::Granted,
            lifetime: TOKEN_LIFETIME,
            issued_at: now,
        };
        let token = self.authority.mint(&request);
        let token =
            token.inspect_err(|error| tracing::warn!(%error, "a fork's token can't be made"));
        Some(TokenTold {
            of: of.to_owned(),
            token: token.ok()?,
            expires_at: now.checked_add(TOKEN_LIFETIME).unwrap_or(now),
        })
    }
}

/// The tenants of a fork, and who is in them: a copy of everybody, and of tenants that have rows
/// though nobody lists them.
fn tenants_of(
    fork: &str,
    directory: &Directory,
    rows: &[TenantSummary],
) -> (Vec<Tenancy>, Additions) {
    let listed = directory.tenants.iter();
    let listed = listed.map(|tenant| (tenant.id, tenant.name.clone()));
    let known: HashSet<_> = directory.tenants.iter().map(|tenant| tenant.id).collect();
    let others = rows.iter().map(|row| row.tenant);
    let others = others.filter(|tenant| !known.contains(tenant));
    let all = listed.chain(others.map(|tenant| (tenant, tenant.to_string())));
    let mut tenancies = Vec::new();
    let mut people = Additions::default();
    for (kept_as, name) in all.filter(|(tenant, _)| *tenant != PERSONAL_ACCOUNTS) {
        let id = fork_id();
        let name = format!("{name}.{fork}");
        let users = directory.users.iter().filter(|user| user.tenant == kept_as);
        people.users.extend(users.map(|user| User {
            name: user.name.clone(),
            principal_name: principal_name(&user.principal_name, fork),
            password: user.password.clone(),
            tenant: TenantId(id),
            object_id: Uuid::new_v4(),
            scopes: user.scopes.clone(),
        }));
        people.tenants.push(Tenant {
            id: TenantId(id),
            name: name.clone(),
        });
        tenancies.push(Tenancy {
            id,
            name,
            kept_as: kept_as.0,
        });
    }
    (tenancies, people)
}

fn fork_id() -> Uuid {
    let mut bytes = *Uuid::new_v4().as_bytes();
    for (byte, mark) in bytes.iter_mut().zip(MARK) {
        *byte = mark;
    }
    Uuid::from_bytes(bytes)
}

/// The sign-in name of a user's copy: at the fork's name before the old domain.
fn principal_name(name: &str, fork: &str) -> String {
    match name.split_once('@') {
        Some((user, domain)) => format!("{user}@{fork}.{domain}"),
        None => format!("{name}.{fork}"),
    }
}

fn tell_fork(fork: &ForkRecord, directory: &Directory, rows: &[TenantSummary]) -> ForkTold {
    let tenants = fork.tenants.iter().map(|tenant| {
        let kept_as = TenantId(tenant.kept_as);
        let mut originals = directory.tenants.iter();
        let original = originals.find(|original| original.id == kept_as);
        let of = original.map_or_else(|| kept_as.to_string(), |tenant| tenant.name.clone());
        let name = Some(tenant.name.clone());
        tell_tenant(tenant.id, name, Some(of), kept_as, rows)
    });
    ForkTold {
        name: fork.name.clone(),
        source: Some(fork.source.clone()),
        made_at: Some(fork.made_at),
        tenants: tenants.collect(),
    }
}

fn tell_tenant(
    id: Uuid,
    name: Option<String>,
    of: Option<String>,
    kept_as: TenantId,
    rows: &[TenantSummary],
) -> TenantTold {
    let row = rows.iter().find(|row| row.tenant == kept_as);
    TenantTold {
        id,
        name,
        of,
        imports: row.map_or(0, |row| row.imports),
        waiting: row.map_or(0, |row| row.waiting),
        devices: row.map_or(0, |row| row.devices),
        administrator: None,
        application: None,
    }
}
