//! Settled imports that are kept no longer. They are looked for in the order of acceptance, by a
//! reader, and deleted by the writer a few at a time; no index of their age has to be kept.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::{SqliteStore, audit, fault::Fault, leases::Seq, row};
use crate::{
    domain::{actor::Actor, tenant::TenantId},
    store::{StoreError, operation::Expired},
};

/// About how much memory a step holds.
const WEIGHT_KIB: u32 = 16;

/// How many imports a step looks at. Those that wait, or were settled late, stay among the oldest.
const LOOKED_THROUGH: usize = 4096;

/// What a step found.
struct Found {
    /// What is old enough.
    due: Vec<Seq>,
    /// Beyond which import the next step looks on, unless this one came to the end.
    next: Option<Seq>,
}

impl SqliteStore {
    /// Deletes up to so many imports that were settled until then, and goes on from there the next
    /// time.
    pub(super) async fn expire(
        &self,
        settled_until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<Expired, StoreError> {
        let after = self.expired_upto.load(Ordering::Relaxed);
        let found = self
            .readers
            .run(move |connection| find(connection, after, settled_until, limit))
            .await?;
        let (due, next) = (found.due, found.next);
        let imports = if due.is_empty() {
            0
        } else {
            self.writer
                .run(WEIGHT_KIB, move |connection| {
                    delete(connection, &due, settled_until, now)
                })
                .await?
        };
        self.expired_upto
            .store(next.unwrap_or(0), Ordering::Relaxed);
        Ok(Expired {
            imports,
            more: next.is_some(),
        })
    }
}

/// Looks for what is old enough. Whatever was accepted later than that was settled later.
fn find(
    connection: &Connection,
    after: Seq,
    settled_until: Timestamp,
    limit: usize,
) -> Result<Found, Fault> {
    let until = settled_until.as_microsecond();
    let mut statement = connection.prepare_cached(
        "SELECT seq, accepted_at, state, coalesce(settled_at, accepted_at) FROM import
         WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![after, LOOKED_THROUGH])?;
    let (mut due, mut last, mut looked_at) = (Vec::new(), after, 0);
    while let Some(found) = rows.next()? {
        if found.get::<_, i64>(1)? > until {
            return Ok(Found { due, next: None });
        }
        last = found.get(0)?;
        looked_at += 1;
        if found.get::<_, i64>(2)? != row::WAITING && found.get::<_, i64>(3)? <= until {
            due.push(last);
        }
        if due.len() == limit {
            break;
        }
    }
    let is_end = due.len() < limit && looked_at < LOOKED_THROUGH;
    Ok(Found {
        due,
        next: (!is_end).then_some(last),
    })
}

/// Deletes those of these imports that still are what was found: a number is given out again when
/// the last row goes.
fn delete(
    connection: &Connection,
    due: &[Seq],
    settled_until: Timestamp,
    now: Timestamp,
) -> Result<usize, Fault> {
    let mut tenants: BTreeMap<TenantId, usize> = BTreeMap::new();
    let mut uploads: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    let mut statement = connection.prepare_cached(
        "DELETE FROM import
         WHERE seq = ?1 AND state <> 0 AND coalesce(settled_at, accepted_at) <= ?2
         RETURNING tenant, upload, state",
    )?;
    for seq in due {
        let gone = statement
            .query_row(params![seq, settled_until.as_microsecond()], |gone| {
                let upload = row::optional_guid(gone, 1)?;
                Ok((row::guid(gone, 0)?, upload, gone.get::<_, i64>(2)?))
            })
            .optional()?;
        let Some((tenant, upload, state)) = gone else {
            continue;
        };
        *tenants.entry(TenantId(tenant)).or_default() += 1;
        if let Some(upload) = upload {
            let of = 1 + i64::from(state == row::REFUSED);
            let most = uploads.entry((tenant, upload)).or_default();
            *most = (*most).max(of);
        }
    }
    for ((tenant, upload), expired) in &uploads {
        connection
            .prepare_cached(
                "UPDATE upload SET expired = max(expired, ?3) WHERE tenant = ?1 AND id = ?2",
            )?
            .execute(params![tenant.as_bytes(), upload.as_bytes(), expired])?;
    }
    for (&tenant, &imports) in &tenants {
        let detail = Expired::detail(imports, settled_until);
        audit::record(
            connection,
            &audit::Line {
                at: now,
                tenant,
                actor: &Actor::registrar(),
                action: "imports-expired",
                import: None,
                device: None,
                ledger_entry: None,
                detail: Some(&detail),
            },
        )?;
    }
    Ok(tenants.values().sum())
}
