//! `hangar token`: prints a token of the development authority.
//!
//! It signs with the key that `hangar serve --dev` left in its data directory; no server is asked.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use jiff::SignedDuration;

use crate::{
    authority::{
        Authority, AuthorityError, Scopes, Subject, TokenRequest,
        directory::{Client, Directory, Tenant, User},
    },
    domain::clock::Clock,
    rehearsal::clock::{self, RehearsalClock},
};

/// What `hangar token` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct TokenArgs {
    /// The data directory of the server that runs with --dev
    #[arg(long, value_name = "DIR", default_value = "./hangar-data")]
    data_dir: PathBuf,
    /// The users file, if the server was started with one of its own
    #[arg(long, value_name = "FILE")]
    users_file: Option<PathBuf>,
    /// The tenant, by GUID or by its name in the users file [default: the user's]
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// The user, by name or principal name [default: the tenant's first]
    #[arg(long, value_name = "NAME", conflicts_with = "app_only")]
    user: Option<String>,
    /// A scope to ask for; may be repeated, or hold several [default: all that are granted]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A token for an application instead of a user
    #[arg(long)]
    app_only: bool,
    /// How long it is valid, such as 30m or 1h; a negative one is over already
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1h",
        allow_hyphen_values = true
    )]
    lifetime: SignedDuration,
}

/// Prints a token, by the clock that the server of the data directory goes by.
pub(super) fn run(args: &TokenArgs, machine: Arc<dyn Clock>) -> Result<()> {
    let course = args.data_dir.join(clock::FILE);
    let token = if course.exists() {
        mint(args, &RehearsalClock::open(machine, &course)?)?
    } else {
        mint(args, &*machine)?
    };
    match writeln!(io::stdout(), "{token}") {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the token could not be printed"),
    }
}

/// A token of a tenant's first user, who administers it.
pub(super) fn of_administrator(data_dir: &Path, tenant: &str, clock: &dyn Clock) -> Result<String> {
    let args = TokenArgs {
        data_dir: data_dir.to_owned(),
        users_file: None,
        tenant: Some(tenant.to_owned()),
        user: None,
        scopes: Vec::new(),
        app_only: false,
        lifetime: SignedDuration::from_hours(1),
    };
    mint(&args, clock)
}

fn mint(args: &TokenArgs, clock: &dyn Clock) -> Result<String> {
    let home = args.data_dir.join("authority");
    let not_started = || {
        anyhow!(
            "there is no development authority in `{}`: start `hangar serve --dev` first, or name its directory with --data-dir",
            args.data_dir.display()
        )
    };
    let authority = match Authority::open_existing(&home, args.users_file.as_deref()) {
        Err(AuthorityError::Absent(_)) => return Err(not_started()),
        opened => opened?,
    };
    let issuer = authority.remembered_issuer()?.ok_or_else(not_started)?;
    let directory = authority.directory();
    let (tenant, subject) = if args.app_only {
        let tenant = tenant_or_first(&directory, args)?;
        let client = confidential_client(&directory)?.id.clone();
        (tenant.id, Subject::Application { client })
    } else {
        let user = user(&directory, args)?;
        let subject = Subject::User {
            principal_name: user.principal_name.clone(),
            client: public_client(&directory)?.id.clone(),
        };
        (user.tenant, subject)
    };
    Ok(authority.mint(&TokenRequest {
        issuer,
        tenant,
        subject,
        scopes: scopes(args),
        lifetime: args.lifetime,
        issued_at: clock.now(),
    })?)
}

fn scopes(args: &TokenArgs) -> Scopes {
    let names: Vec<String> = args
        .scopes
        .iter()
        .flat_map(|scope| scope.split_ascii_whitespace())
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        Scopes::Granted
    } else {
        Scopes::Named(names)
    }
}

fn tenant_or_first<'a>(directory: &'a Directory, args: &TokenArgs) -> Result<&'a Tenant> {
    match &args.tenant {
        Some(name) => directory.find_tenant(name).ok_or_else(|| {
            let known: Vec<_> = directory
                .tenants
                .iter()
                .map(|tenant| &*tenant.name)
                .collect();
            anyhow!(
                "the users file has no tenant `{name}`; it has {}",
                known.join(", ")
            )
        }),
        None => directory
            .tenants
            .first()
            .context("the users file has no tenant"),
    }
}

/// The user by name, wherever at home; without a name, the first of the tenant.
fn user<'a>(directory: &'a Directory, args: &TokenArgs) -> Result<&'a User> {
    let Some(name) = &args.user else {
        let tenant = tenant_or_first(directory, args)?;
        let mut users = directory.users.iter();
        return users
            .find(|user| user.tenant == tenant.id)
            .with_context(|| {
                format!("the users file has no user in the tenant `{}`", tenant.name)
            });
    };
    let tenant = match &args.tenant {
        Some(_) => Some(tenant_or_first(directory, args)?.id),
        None => None,
    };
    let Some(user) = directory.find_user(name, tenant) else {
        let known: Vec<_> = directory
            .users
            .iter()
            .map(|user| &*user.principal_name)
            .collect();
        let place = if tenant.is_some() {
            " in that tenant"
        } else {
            ""
        };
        bail!(
            "the users file has no user `{name}`{place}; it has {}",
            known.join(", ")
        );
    };
    Ok(user)
}

fn public_client(directory: &Directory) -> Result<&Client> {
    let mut clients = directory.clients.iter();
    clients
        .find(|client| client.secret.is_none())
        .or(directory.clients.first())
        .context("the users file has no client")
}

fn confidential_client(directory: &Directory) -> Result<&Client> {
    let mut clients = directory.clients.iter();
    clients
        .find(|client| client.secret.is_some())
        .context("the users file has no client with a secret, which --app-only needs")
}

#[cfg(test)]
mod tests {
    use std::{future::Future, path::Path, pin::Pin, sync::Arc, time::Duration};

    use clap::Parser;
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::tenant::TenantId,
        http::auth::{
            caller::{Caller, Grant},
            error::AuthError,
            jwks::KeySet,
            key_source::KeySource,
            permission::{
                Access, ApplicationPermissions, ConfigurationScopes, Permission, Policy, check,
            },
            token::{AuthSettings, TokenVerifier},
        },
    };

    const WRITE: Access = Access::Needs(Permission::ServiceConfigWrite);
    const POLICY: Policy = Policy {
        application_permissions: ApplicationPermissions::Deny,
        configuration_scopes: ConfigurationScopes::Ignored,
    };

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        token: TokenArgs,
    }

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(1_700_000_000).unwrap()
        }

        fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::pending())
        }
    }

    fn printed(data: &Path, options: &str) -> Result<String> {
        let line = ["token", "--data-dir", data.to_str().unwrap()];
        let line = line.into_iter().chain(options.split_ascii_whitespace());
        mint(&Line::try_parse_from(line)?.token, &Stopped)
    }

    /// A verifier as `serve --dev` makes it, for the authority in `data`.
    fn server(data: &Path) -> TokenVerifier {
        let authority = Authority::open(&data.join("authority"), None).unwrap();
        let issuer = Authority::issuer_template("http://localhost:8080");
        authority.remember_issuer(&issuer).unwrap();
        let keys = KeySet::parse(authority.jwks().to_string().as_bytes()).unwrap();
        let keys = KeySource::Local(Arc::new(keys));
        let settings = AuthSettings {
            issuers: vec![issuer],
            audiences: vec![crate::authority::DEFAULT_AUDIENCE.to_owned()],
            tenants: Vec::<TenantId>::new(),
            jwks_refetch_interval: Duration::from_mins(5),
            jwks_max_stale: Duration::from_hours(24),
        };
        TokenVerifier::new(&settings, Arc::new(Stopped), |_| keys.clone()).unwrap()
    }

    async fn caller(server: &TokenVerifier, data: &Path, options: &str) -> Arc<Caller> {
        let token = printed(data, options).unwrap();
        server
            .verify(Some(&format!("Bearer {token}")))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_printed_token_opens_what_its_user_may() {
        let data = tempfile::tempdir().unwrap();
        let server = server(data.path());
        let contoso = "aaaaaaaa-0000-4000-8000-00000000000a";
        let fabrikam = "bbbbbbbb-0000-4000-8000-00000000000b";
        let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
        let missing = || {
            let sufficient = vec!["DeviceManagementServiceConfig.ReadWrite.All"];
            Err(AuthError::MissingScopes { sufficient })
        };
        let table = [
            ("", contoso, Ok(())),
            ("--tenant fabrikam", fabrikam, Ok(())),
            ("--user administrator@fabrikam.example", fabrikam, Ok(())),
            (
                "--tenant bbbbbbbb-0000-4000-8000-00000000000b --user administrator",
                fabrikam,
                Ok(()),
            ),
            (
                "--scope User.Read --scope DeviceManagementServiceConfig.ReadWrite.All",
                contoso,
                Ok(()),
            ),
            ("--scope User.Read", contoso, missing()),
            ("--user reader", contoso, missing()),
            ("--user personal", personal, Err(AuthError::PersonalAccount)),
            (
                "--app-only --tenant fabrikam",
                fabrikam,
                Err(AuthError::ApplicationOnly),
            ),
        ];
        for (options, tenant, expected) in table {
            let caller = caller(&server, data.path(), options).await;
            assert_eq!(caller.tenant.to_string(), tenant, "{options}");
            assert_eq!(check(&caller, WRITE, &POLICY), expected, "{options}");
            let app_only = matches!(caller.grant, Grant::Application { .. });
            assert_eq!(app_only, options.contains("--app-only"));
        }
    }

    #[tokio::test]
    async fn a_lifetime_may_be_over() {
        let data = tempfile::tempdir().unwrap();
        let server = server(data.path());
        let token = printed(data.path(), "--lifetime -10m").unwrap();
        let refusal = server.verify(Some(&format!("Bearer {token}"))).await;
        assert_eq!(refusal.unwrap_err(), AuthError::Expired);
        caller(&server, data.path(), "--lifetime 90s").await;
        assert!(printed(data.path(), "--lifetime soon").is_err());
    }

    #[test]
    fn what_cannot_be_printed_is_explained() {
        let data = tempfile::tempdir().unwrap();
        let sentence = |options: &str| printed(data.path(), options).unwrap_err().to_string();
        assert!(sentence("").contains("start `hangar serve --dev` first"));
        server(data.path());
        assert!(sentence("--tenant nowhere").contains("contoso, fabrikam, personal"));
        assert!(sentence("--user nobody").contains("reader@contoso.example"));
        assert!(sentence("--user reader --tenant fabrikam").contains("in that tenant"));
        assert!(sentence("--user reader --scope Mail.Read").contains("Mail.Read"));
        assert!(sentence("--app-only --tenant personal").contains("personal accounts"));
        assert!(sentence("--app-only --user reader").contains("cannot be used with"));
    }
}
