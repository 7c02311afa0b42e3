//! `hangar ledger`: who owns which hardware, and taking it back, for administrators.

use std::{fmt::Write as _, sync::Arc};

use anyhow::bail;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{SettingsArguments, print};
use crate::{
    config::{Settings, account_name},
    domain::{actor::Actor, clock::Clock as _, identity::LedgerEntryId, tenant::TenantId},
    lifecycle::SystemClock,
    store::{
        self, Opening, Store,
        operation::{LedgerEntry, LedgerQuery},
    },
};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Find hardware by its serial number, its owner or its id. At most 1,000 entries are shown.
    Find(FindArguments),
    /// Take hardware from its owner, so that any tenant can register it. Its device is deleted.
    Release(ReleaseArguments),
}

#[derive(Args)]
pub(super) struct FindArguments {
    /// Hardware with this serial number, in any letter case
    #[arg(long, value_name = "TEXT")]
    serial: Option<String>,
    /// Hardware that this tenant owns
    #[arg(long, value_name = "GUID")]
    tenant: Option<Uuid>,
    /// The hardware with this id
    #[arg(long, value_name = "GUID")]
    entry: Option<Uuid>,
    #[command(flatten)]
    settings: SettingsArguments,
}

#[derive(Args)]
pub(super) struct ReleaseArguments {
    /// The hardware's id, as `hangar ledger find` shows it
    #[arg(value_name = "ENTRY")]
    entry: Uuid,
    #[command(flatten)]
    settings: SettingsArguments,
}

/// Looks up or releases, also while a server runs on the same data directory.
pub(super) async fn run(action: Action) -> anyhow::Result<()> {
    match action {
        Action::Find(arguments) => find(arguments).await,
        Action::Release(arguments) => release(arguments).await,
    }
}

async fn find(arguments: FindArguments) -> anyhow::Result<()> {
    let query = LedgerQuery {
        entry: arguments.entry.map(LedgerEntryId),
        serial_number: arguments.serial,
        owner: arguments.tenant.map(TenantId),
        after: None,
    };
    if query == LedgerQuery::default() {
        bail!("say what to look for: --serial, --tenant or --entry");
    }
    let store = open(arguments.settings)?;
    let found = store.find_ledger_entries(query).await;
    store.close().await;
    print(&listing(&found?))?;
    Ok(())
}

async fn release(arguments: ReleaseArguments) -> anyhow::Result<()> {
    let store = open(arguments.settings)?;
    let entry = LedgerEntryId(arguments.entry);
    let actor = Actor::operator(&account_name());
    let released = store
        .release_ledger_entry(entry, actor, SystemClock.now())
        .await;
    store.close().await;
    if !released? {
        bail!("nobody owns the hardware {entry}: `hangar ledger find` shows what there is");
    }
    print(&format!(
        "The hardware {entry} is released: any tenant can register it now.\n"
    ))?;
    Ok(())
}

fn open(arguments: SettingsArguments) -> anyhow::Result<Arc<dyn Store>> {
    let settings = Settings::unjudged(&arguments.sources()?)?;
    let database = super::database(&settings.database);
    Ok(store::open(database, Opening::Administer)?)
}

fn listing(entries: &[LedgerEntry]) -> String {
    if entries.is_empty() {
        return "No such hardware is in the ledger.\n".to_owned();
    }
    let mut text = String::new();
    for entry in entries {
        let kinds: Vec<&str> = entry
            .fingerprints
            .iter()
            .map(|fingerprint| fingerprint.kind.as_str())
            .collect();
        let owner = entry.owner.map_or_else(
            || "nobody".to_owned(),
            |(tenant, device)| format!("tenant {tenant}, as device {device}"),
        );
        // Writing to a String can't fail. The serial number comes from a blob: it is escaped.
        let _ = writeln!(
            text,
            "{}\n  serial number  {}\n  product key    {}\n  owner          {owner}\n  known by       {}",
            entry.id,
            entry.serial_number.escape_default(),
            entry.product_key.escape_default(),
            kinds.join(", "),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::Fingerprints;

    #[test]
    fn a_listing_shows_no_control_characters() {
        let entry = LedgerEntry {
            id: LedgerEntryId(Uuid::from_u128(1)),
            owner: None,
            serial_number: "S\u{1b}[2J".to_owned(),
            product_key: String::new(),
            fingerprints: Fingerprints::default(),
        };
        let text = listing(&[entry]);
        assert!(
            text.contains("nobody") && !text.contains('\u{1b}'),
            "{text}"
        );
        assert!(listing(&[]).contains("No such hardware"));
    }
}
