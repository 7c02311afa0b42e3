//! `hangar tenant export`: everything of one tenant, a JSON object a line, in constant memory.

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{SettingsArguments, open};
use crate::{
    domain::{
        assignment::Plan,
        device::Device,
        directory_error::DirectoryError,
        import::{Import, ImportState},
        tenant::TenantId,
        upload::UploadId,
    },
    graph::{
        behavior::Behavior,
        entity::{Place, WriteContext},
        metadata_level::MetadataLevel,
        profile::{Within, write_profile},
        version::Version,
    },
    lifecycle::whole_file::{Existing, WholeFile},
    store::{
        Store,
        operation::{AuditLine, AuditSlice, Query, Slice},
    },
};

/// How many rows are read at once.
const PAGE_ROWS: usize = 500;

#[derive(Args)]
pub(in crate::cli) struct ExportArguments {
    /// The tenant's id, as `hangar tenant list` shows it
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// Write to this file, which nobody else may read, instead of the standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    settings: SettingsArguments,
}

pub(super) async fn run(arguments: ExportArguments) -> anyhow::Result<()> {
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    let mut output = arguments
        .output
        .map(|path| WholeFile::begin(&path, existing))
        .transpose()?;
    let store = open(arguments.settings)?;
    let written = match &mut output {
        Some(file) => write_all(&*store, arguments.tenant, file.file()).await,
        None => write_all(&*store, arguments.tenant, io::stdout()).await,
    };
    store.close().await;
    written?;
    if let Some(file) = output {
        file.finish()?;
    }
    Ok(())
}

/// Writes page by page. What was read while the pages were apart may have changed in between.
async fn write_all(store: &dyn Store, tenant: TenantId, to: impl Write) -> anyhow::Result<()> {
    let mut to = BufWriter::new(to);
    let mut query = Query::all(PAGE_ROWS);
    loop {
        let page = store.list_imports(tenant, query.clone()).await?;
        write_lines(&mut to, page.rows.iter().map(import))?;
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let mut query = Query::all(PAGE_ROWS);
    loop {
        let page = store
            .list_devices(tenant, query.clone(), Plan::default())
            .await?;
        write_lines(&mut to, page.rows.iter().map(device))?;
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    write_uploads(store, tenant, &mut to).await?;
    write_profiles(store, tenant, &mut to).await?;
    let mut after = 0;
    loop {
        let limit = PAGE_ROWS;
        let page = store
            .list_audit(tenant, AuditSlice { after, limit })
            .await?;
        after = page.rows.last().map_or(after, |line| line.seq);
        write_lines(&mut to, page.rows.iter().map(audit_line))?;
        if !page.more {
            break;
        }
    }
    to.flush()?;
    Ok(())
}

/// Writes a line for each upload, which names its imports: piece by piece, for there may be many.
async fn write_uploads(
    store: &dyn Store,
    tenant: TenantId,
    to: &mut impl Write,
) -> anyhow::Result<()> {
    let mut query = Query::all(PAGE_ROWS);
    loop {
        let page = store.list_uploads(tenant, query.clone()).await?;
        query.after = page.next;
        for upload in &page.rows {
            let head = json!({
                "type": "upload",
                "id": upload.id.to_string(),
                "createdAt": upload.created_at,
            });
            let head = head.to_string();
            // The object is left open for what follows.
            to.write_all(head.trim_end_matches('}').as_bytes())?;
            to.write_all(b",\"imports\":[")?;
            write_upload_imports(store, tenant, upload.id, to).await?;
            to.write_all(b"]}\n")?;
        }
        if query.after.is_none() {
            return Ok(());
        }
    }
}

async fn write_upload_imports(
    store: &dyn Store,
    tenant: TenantId,
    upload: UploadId,
    to: &mut impl Write,
) -> anyhow::Result<()> {
    let mut query = Query::all(PAGE_ROWS);
    let mut comma = "";
    loop {
        let page = store
            .list_upload_imports(tenant, upload, query.clone())
            .await?;
        query.after = page.next;
        for import in &page.rows {
            write!(to, "{comma}\"{}\"", import.id)?;
            comma = ",";
        }
        if query.after.is_none() {
            return Ok(());
        }
    }
}

/// Profiles and their assignments as Graph writes them, and when the tenant was synced.
async fn write_profiles(
    store: &dyn Store,
    tenant: TenantId,
    to: &mut impl Write,
) -> anyhow::Result<()> {
    let context = WriteContext {
        base: "",
        version: Version::Beta,
        level: MetadataLevel::Full,
        behavior: Behavior::Documented,
        shown: None,
    };
    let mut after = None;
    loop {
        let page = store.list_profiles(tenant, slice(after)).await?;
        after = page.rows.last().map(|profile| profile.id.0);
        for profile in &page.rows {
            let assignments = store.list_assignments(tenant, vec![profile.id]).await?;
            let mut body = Vec::new();
            let within = Within::assignments(assignments);
            write_profile(&mut body, profile, Some(&within), &context, Place::Item);
            let mut line: Value = serde_json::from_slice(&body)?;
            line["type"] = json!("profile");
            write_lines(to, [line].into_iter())?;
        }
        if !page.more {
            break;
        }
    }
    if let Some(started_at) = store.sync_state(tenant).await?.started_at {
        let line = json!({ "type": "sync", "startedAt": started_at });
        write_lines(to, [line].into_iter())?;
    }
    Ok(())
}

fn slice(after: Option<Uuid>) -> Slice {
    Slice {
        after,
        skip: 0,
        limit: PAGE_ROWS,
    }
}

fn write_lines(to: &mut impl Write, lines: impl Iterator<Item = Value>) -> io::Result<()> {
    for line in lines {
        serde_json::to_writer(&mut *to, &line)?;
        to.write_all(b"\n")?;
    }
    Ok(())
}

fn import(import: &Import) -> Value {
    let properties = &import.properties;
    let (state, device, error) = match import.state {
        ImportState::Waiting => ("waiting", None, None),
        ImportState::Complete(device) => ("complete", Some(device), None),
        ImportState::Refused(error) => ("refused", None, Some(error)),
    };
    let hash = properties.hardware_blob.as_ref();
    json!({
        "type": "import",
        "id": import.id.to_string(),
        "acceptedAt": import.accepted_at,
        "state": state,
        "device": device.map(|device| device.to_string()),
        "errorCode": error.map(DirectoryError::code),
        "errorName": error.map(DirectoryError::name),
        "groupTag": properties.group_tag,
        "serialNumber": properties.serial_number,
        "productKey": properties.product_key,
        "importId": properties.import_id,
        "assignedUserPrincipalName": properties.assigned_user_principal_name,
        "hardwareIdentifier": hash.map(|hash| BASE64_STANDARD.encode(hash.to_bytes())),
    })
}

fn device(device: &Device) -> Value {
    let properties = &device.properties;
    json!({
        "type": "device",
        "id": device.id.to_string(),
        "ledgerEntry": device.ledger_entry.to_string(),
        "registeredAt": device.registered_at,
        "groupTag": properties.group_tag,
        "serialNumber": properties.serial_number,
        "productKey": properties.product_key,
        "manufacturer": properties.manufacturer,
        "model": properties.model,
        "skuNumber": properties.sku_number,
        "systemFamily": properties.system_family,
        "userPrincipalName": properties.user_principal_name,
        "addressableUserName": properties.addressable_user_name,
        "resourceName": properties.resource_name,
        "displayName": properties.display_name,
        "purchaseOrderIdentifier": properties.purchase_order_identifier,
        "azureActiveDirectoryDeviceId": properties.directory_device_id,
        "managedDeviceId": properties.managed_device_id,
        "deviceAccountUpn": properties.device_account_upn,
        "deviceFriendlyName": properties.device_friendly_name,
        "userlessEnrollmentStatus": properties.userless_enrollment.as_str(),
        "directProfile": device.direct_profile.map(|profile| profile.to_string()),
        "targetedAt": device.targeted_at,
    })
}

fn audit_line(line: &AuditLine) -> Value {
    json!({
        "type": "audit",
        "at": line.at,
        "actorKind": line.actor_kind,
        "actorId": line.actor_id,
        "application": line.application,
        "action": line.action,
        "import": line.import.map(|id| id.to_string()),
        "device": line.device.map(|id| id.to_string()),
        "ledgerEntry": line.ledger_entry.map(|id| id.to_string()),
        "detail": line.detail,
    })
}
