//! Creating single imports: those that arrive at one time share a statement, and so a commit.
//!
//! A commit costs as much as some twenty rows. One batch follows the other on one connection: the
//! server's process behind it has all at hand, and those behind others would have to fetch it. Where a
//! commit takes long, as one that a standby confirms, several are on their way. An id that was taken is
//! that caller's conflict alone.

use std::time::Duration;

use super::accepting::{Arriving, Made, confirm, find_holders, insert_alone};
use crate::{
    domain::{import::ImportId, tenant::TenantId},
    store::{
        StoreError, Unique,
        operation::NewImports,
        postgres::{
            fault::Fault,
            gathering::{Departures, Gathered, Job},
            pool::{Pool, Session},
        },
    },
};

/// One import that is to be accepted.
pub(in crate::store::postgres) struct Create {
    pub(in crate::store::postgres) tenant: TenantId,
    pub(in crate::store::postgres) imports: NewImports,
}

impl Create {
    fn key(&self) -> Option<(TenantId, ImportId)> {
        let row = self.imports.rows.first()?;
        Some((self.tenant, row.id))
    }
}

impl Gathered for Create {
    type Answer = ();

    const DEPARTURES: Departures = Departures {
        at_once: 4,
        full: 128,
        worthwhile: 28,
        for_others: Duration::from_millis(2),
        // A sync that stalls is over by then, and a second batch would only have stalled beside the
        // first.
        for_the_one_before: Duration::from_millis(5),
        metric: "hangar_write_group_operations",
    };

    fn weight_kib(&self) -> u32 {
        let rows = self.imports.rows.iter();
        let bytes: usize = rows
            .map(|row| {
                let blob = row.properties.hardware_blob.as_ref();
                1024 + blob.map_or(0, |blob| blob.content().len())
            })
            .sum();
        u32::try_from(bytes / 1024).unwrap_or(u32::MAX)
    }

    fn broken_off(why: String) -> StoreError {
        StoreError::Unknown(why)
    }

    async fn attempt(
        pool: &Pool,
        kept: &mut Option<Session>,
        batch: &[Job<Self>],
        in_doubt: bool,
    ) -> Result<Vec<Result<(), StoreError>>, Fault> {
        let key = |job: &Job<Self>| job.work.key();
        let session = match kept.take() {
            Some(session) => session,
            None => pool.get().await?,
        };
        let rows = batch.iter().filter_map(|job| {
            let Create { tenant, imports } = &job.work;
            let row = imports.rows.first()?;
            Some(Arriving {
                tenant: *tenant,
                request: imports,
                row,
                upload: None,
            })
        });
        let mut made = match insert_alone(&session, rows).await? {
            Made::All => {
                *kept = Some(session);
                return Ok(batch.iter().map(|_| Ok(())).collect());
            }
            Made::Some(made) => made,
        };
        // Two callers with one id: the row is the first's.
        let mut is_made = |job: &Job<Self>| key(job).is_some_and(|key| made.remove(&key));
        let is_made: Vec<bool> = batch.iter().map(&mut is_made).collect();
        let missing: Vec<(TenantId, ImportId)> = batch
            .iter()
            .zip(&is_made)
            .filter(|(_, is_made)| !**is_made)
            .filter_map(|(job, _)| key(job))
            .collect();
        if missing.is_empty() {
            return Ok(batch.iter().map(|_| Ok(())).collect());
        }
        let holders = find_holders(&session, &missing).await?;
        let mut found_again = in_doubt;
        let outcomes = batch.iter().zip(&is_made).map(|(job, is_made)| {
            let Some(key) = key(job).filter(|_| !is_made) else {
                return Ok(());
            };
            match holders.get(&key) {
                // It was accepted before, by an attempt whose outcome its sender never learned.
                Some(call) if *call == job.work.imports.call => {
                    found_again = true;
                    Ok(())
                }
                Some(_) => Err(StoreError::Conflict(Unique::ImportIds(vec![key.1]))),
                None => Err(StoreError::Unavailable(
                    "whoever had the id has just let it go".to_owned(),
                )),
            }
        });
        let outcomes = outcomes.collect();
        if found_again {
            confirm(&session).await?;
        }
        Ok(outcomes)
    }
}
