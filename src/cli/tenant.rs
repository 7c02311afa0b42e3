//! `hangar tenant`: which tenants there are, taking one's data along, and ending one. What an
//! export looks like is in `tenant/export`.

mod export;

use std::{
    fmt::Write as _,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::bail;
use clap::{Args, Subcommand};

use super::{SettingsArguments, print};
use crate::{
    config::{Settings, account_name},
    domain::{actor::Actor, clock::Clock as _, tenant::TenantId},
    lifecycle::SystemClock,
    store::{
        self, Opening, Store,
        operation::{TenantDeletion, TenantSummary},
    },
};

/// How many rows a step of a deletion removes: a few milliseconds, in which a server's writes wait.
const STEP_ROWS: usize = 256;

/// How long a server has the database to itself between two steps, at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

#[derive(Subcommand)]
pub(super) enum Action {
    /// List the tenants that have anything here, with their imports, those of them that wait, their
    /// devices and their deployment profiles.
    List(SettingsArguments),
    /// Print a tenant's imports, devices, uploads, deployment profiles and audit lines as JSON lines,
    /// oldest ids first.
    ///
    /// The server may run. What is added or removed while the export runs may or may not be in it.
    Export(export::ExportArguments),
    /// Delete a tenant's imports, devices, uploads and deployment profiles, and free its hardware for
    /// any tenant.
    ///
    /// The server may run; take the tenant from its settings first, or its clients go on. The audit
    /// table keeps what was done, this deletion included. A deletion that was interrupted goes on
    /// when it is started again.
    Delete(DeleteArguments),
}

#[derive(Args)]
pub(super) struct DeleteArguments {
    /// The tenant's id, as `hangar tenant list` shows it
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    settings: SettingsArguments,
}

/// Lists, exports or deletes, also while a server runs on the same data directory.
pub(super) async fn run(action: Action) -> anyhow::Result<()> {
    match action {
        Action::List(settings) => list(settings).await,
        Action::Export(arguments) => export::run(arguments).await,
        Action::Delete(arguments) => delete(arguments).await,
    }
}

async fn list(settings: SettingsArguments) -> anyhow::Result<()> {
    let store = open(settings)?;
    let tenants = store.list_tenants().await;
    store.close().await;
    print(&listing(&tenants?))?;
    Ok(())
}

async fn delete(arguments: DeleteArguments) -> anyhow::Result<()> {
    let tenant = arguments.tenant;
    let store = open(arguments.settings)?;
    let deleted = confirm_and_delete(&*store, tenant, arguments.yes).await;
    store.close().await;
    let TenantDeletion {
        imports,
        devices,
        profiles,
        ..
    } = deleted?;
    print(&format!(
        "The tenant {tenant} is deleted: {profiles} deployment profiles, {imports} imports, and {devices} devices, whose hardware any tenant can register now.\n"
    ))?;
    Ok(())
}

async fn confirm_and_delete(
    store: &dyn Store,
    tenant: TenantId,
    yes: bool,
) -> anyhow::Result<TenantDeletion> {
    let tenants = store.list_tenants().await?;
    let Some(summary) = tenants.iter().find(|summary| summary.tenant == tenant) else {
        bail!("the tenant {tenant} has nothing here: `hangar tenant list` shows which have");
    };
    if !yes {
        confirm(summary)?;
    }
    delete_all(store, tenant).await
}

/// Asks a person at a terminal; nobody else is asked.
fn confirm(summary: &TenantSummary) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("this deletes a tenant for good, and there is no terminal to ask at: say --yes");
    }
    let TenantSummary {
        tenant,
        imports,
        waiting,
        devices,
        profiles,
        ..
    } = summary;
    let mut stderr = io::stderr().lock();
    write!(
        stderr,
        "This deletes {imports} imports ({waiting} of them wait), {devices} devices and {profiles} deployment profiles of the tenant {tenant}, and frees its hardware.\nType yes to go on: "
    )?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !is_yes(&answer) {
        bail!("nothing was deleted");
    }
    Ok(())
}

fn is_yes(answer: &str) -> bool {
    answer.trim().eq_ignore_ascii_case("yes")
}

/// Deletes step by step, and rests after each step as long as it took: a server that waits for the
/// lock only looks for it now and then.
async fn delete_all(store: &dyn Store, tenant: TenantId) -> anyhow::Result<TenantDeletion> {
    let actor = Actor::operator(&account_name());
    let mut whole = TenantDeletion::default();
    loop {
        let started = Instant::now();
        let now = SystemClock.now();
        let step = store
            .delete_tenant_rows(tenant, STEP_ROWS, actor.clone(), now)
            .await?;
        if step.rows() == 0 {
            return Ok(whole);
        }
        whole.imports += step.imports;
        whole.devices += step.devices;
        whole.tombstones += step.tombstones;
        whole.uploads += step.uploads;
        whole.profiles += step.profiles;
        whole.settings += step.settings;
        tokio::time::sleep(started.elapsed().max(SHORTEST_PAUSE)).await;
    }
}

fn open(arguments: SettingsArguments) -> anyhow::Result<Arc<dyn Store>> {
    let settings = Settings::unjudged(&arguments.sources()?)?;
    let database = super::database(&settings.database);
    Ok(store::open(database, Opening::Administer)?)
}

fn listing(tenants: &[TenantSummary]) -> String {
    if tenants.is_empty() {
        return "No tenant has anything here.\n".to_owned();
    }
    let mut text = format!(
        "{:<36} {:>10} {:>10} {:>10} {:>10}\n",
        "tenant", "imports", "waiting", "devices", "profiles"
    );
    for summary in tenants {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{} {:>10} {:>10} {:>10} {:>10}",
            summary.tenant, summary.imports, summary.waiting, summary.devices, summary.profiles
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::CONTOSO;

    #[test]
    fn columns_stand_under_their_names() {
        let summary = TenantSummary {
            tenant: CONTOSO,
            imports: 12,
            waiting: 3,
            devices: 1_000_000,
            tombstones: 0,
            uploads: 0,
            profiles: 7,
        };
        let text = listing(&[summary]);
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [80, 80], "{text}");
        assert!(
            text.ends_with("12          3    1000000          7\n"),
            "{text}"
        );
        assert!(listing(&[]).contains("No tenant"));
    }

    #[test]
    fn only_yes_is_yes() {
        for (answer, expected) in [("yes\n", true), ("YES", true), ("y\n", false), ("", false)] {
            assert_eq!(is_yes(answer), expected, "{answer:?}");
        }
    }
}
