//! Accepting imports: the statement that makes their rows, and what a taken id comes to.

use std::collections::{HashMap, HashSet};

use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    domain::{
        hardware_blob::HardwareBlob,
        import::{CallId, ImportId},
        tenant::TenantId,
        upload::UploadId,
    },
    store::{
        StoreError, Unique,
        operation::{NewImport, NewImports},
        postgres::{
            fault::{Fault, corrupt},
            pool::{Parameters, Session, Transaction},
            row::get,
        },
    },
};

/// Makes rows, and a line each in the audit table, if all ids are free, and fails if one is not. To
/// write over nothing, and say so of each row, takes the server half as long again. Functions of a
/// select list go through their arrays side by side and in order; as a table of its own each array
/// would be written down first, which takes three times as long.
const INSERT_FREE: &str = "WITH line AS (
        INSERT INTO audit (tenant, at, actor_kind, actor_id, application, action, import)
        SELECT unnest($1::uuid[]), unnest($4::bigint[]), unnest($13::text[]), unnest($14::text[]),
            unnest($15::text[]), 'import-created', unnest($2::uuid[])
    )
    INSERT INTO import (tenant, id, call, accepted_at, group_tag, serial_number, product_key,
        import_id, assigned_user_principal_name, hardware_len_bytes, hardware_content, upload)
    SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::bigint[]),
        unnest($5::text[]), unnest($6::text[]), unnest($7::text[]), unnest($8::text[]),
        unnest($9::text[]), unnest($10::bigint[]), unnest($11::bytea[]), unnest($12::uuid[])";

/// Makes the rows whose ids are free, with the same line each, and answers which they are.
const INSERT: &str = "WITH made AS (
        INSERT INTO import (tenant, id, call, accepted_at, group_tag, serial_number, product_key,
            import_id, assigned_user_principal_name, hardware_len_bytes, hardware_content, upload)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[],
            $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bytea[],
            $12::uuid[])
        ON CONFLICT (tenant, id) DO NOTHING
        RETURNING tenant, id, call
    ), line AS (
        INSERT INTO audit (tenant, at, actor_kind, actor_id, application, action, import)
        SELECT tenant, at, kind, actor, application, 'import-created', id
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $13::text[], $14::text[],
            $15::text[]) AS sent (tenant, id, call, at, kind, actor, application)
        WHERE (tenant, id, call) IN (SELECT tenant, id, call FROM made)
    )
    SELECT tenant, id FROM made";

/// A row on its way into the table.
#[derive(Clone, Copy)]
pub(super) struct Arriving<'a> {
    pub(super) tenant: TenantId,
    pub(super) request: &'a NewImports,
    pub(super) row: &'a NewImport,
    pub(super) upload: Option<UploadId>,
}

/// Rows as the statement takes them. A column that nobody fills is empty: whatever unnests columns
/// side by side goes on with nulls where one ends.
struct Columns<'a> {
    tenants: Vec<Uuid>,
    ids: Vec<Uuid>,
    calls: Vec<Uuid>,
    accepted_at: Vec<i64>,
    group_tags: Vec<Option<&'a str>>,
    serial_numbers: Vec<Option<&'a str>>,
    product_keys: Vec<Option<&'a str>>,
    import_ids: Vec<Option<&'a str>>,
    users: Vec<Option<&'a str>>,
    lengths: Vec<Option<i64>>,
    contents: Vec<Option<&'a [u8]>>,
    uploads: Vec<Option<Uuid>>,
    actor_kinds: Vec<&'static str>,
    actor_ids: Vec<&'a str>,
    applications: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn of(rows: impl Iterator<Item = Arriving<'a>>) -> Self {
        let mut columns = Self::with_room(rows.size_hint().1.unwrap_or_default());
        for Arriving {
            tenant,
            request,
            row,
            upload,
        } in rows
        {
            let properties = &row.properties;
            let blob = properties.hardware_blob.as_ref();
            let length = |blob: &HardwareBlob| i64::try_from(blob.len_bytes()).unwrap_or(i64::MAX);
            columns.tenants.push(tenant.0);
            columns.ids.push(row.id.0);
            columns.calls.push(request.call.0);
            columns
                .accepted_at
                .push(request.accepted_at.as_microsecond());
            columns.group_tags.push(properties.group_tag.as_deref());
            columns
                .serial_numbers
                .push(properties.serial_number.as_deref());
            columns.product_keys.push(properties.product_key.as_deref());
            columns.import_ids.push(properties.import_id.as_deref());
            columns
                .users
                .push(properties.assigned_user_principal_name.as_deref());
            columns.lengths.push(blob.map(length));
            columns.contents.push(blob.map(HardwareBlob::content));
            columns.uploads.push(upload.map(|id| id.0));
            columns.actor_kinds.push(request.actor.kind.as_str());
            columns.actor_ids.push(&request.actor.id);
            columns
                .applications
                .push(request.actor.application.as_deref());
        }
        columns.empty_unfilled();
        columns
    }

    fn with_room(rows: usize) -> Self {
        Self {
            tenants: Vec::with_capacity(rows),
            ids: Vec::with_capacity(rows),
            calls: Vec::with_capacity(rows),
            accepted_at: Vec::with_capacity(rows),
            group_tags: Vec::with_capacity(rows),
            serial_numbers: Vec::with_capacity(rows),
            product_keys: Vec::with_capacity(rows),
            import_ids: Vec::with_capacity(rows),
            users: Vec::with_capacity(rows),
            lengths: Vec::with_capacity(rows),
            contents: Vec::with_capacity(rows),
            uploads: Vec::with_capacity(rows),
            actor_kinds: Vec::with_capacity(rows),
            actor_ids: Vec::with_capacity(rows),
            applications: Vec::with_capacity(rows),
        }
    }

    fn empty_unfilled(&mut self) {
        fn unless_filled<T>(column: &mut Vec<Option<T>>) {
            if column.iter().all(Option::is_none) {
                column.clear();
            }
        }
        unless_filled(&mut self.group_tags);
        unless_filled(&mut self.serial_numbers);
        unless_filled(&mut self.product_keys);
        unless_filled(&mut self.import_ids);
        unless_filled(&mut self.users);
        unless_filled(&mut self.lengths);
        unless_filled(&mut self.contents);
        unless_filled(&mut self.uploads);
        unless_filled(&mut self.applications);
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 15] {
        [
            &self.tenants,
            &self.ids,
            &self.calls,
            &self.accepted_at,
            &self.group_tags,
            &self.serial_numbers,
            &self.product_keys,
            &self.import_ids,
            &self.users,
            &self.lengths,
            &self.contents,
            &self.uploads,
            &self.actor_kinds,
            &self.actor_ids,
            &self.applications,
        ]
    }
}

/// Rows that were made, in a transaction of their own.
pub(super) enum Made {
    /// All of them.
    All,
    /// Those with these ids; the others' were taken.
    Some(HashSet<(TenantId, ImportId)>),
}

/// Makes all rows whose ids are free, in a transaction of their own.
pub(super) async fn insert_alone(
    session: &Session,
    rows: impl Iterator<Item = Arriving<'_>>,
) -> Result<Made, Fault> {
    let columns = Columns::of(rows);
    match session.write(INSERT_FREE, &columns.parameters()).await {
        Ok(_) => Ok(Made::All),
        Err(Fault::Rival(_)) => {
            let rows = session.write(INSERT, &columns.parameters()).await?;
            Ok(Made::Some(made(&rows)?))
        }
        Err(fault) => Err(fault),
    }
}

/// Makes the rows of a request in a transaction of their own: false where an id is taken, and none
/// was made.
pub(super) async fn insert_if_free(
    session: &Session,
    tenant: TenantId,
    request: &NewImports,
) -> Result<bool, Fault> {
    let columns = Columns::of(arriving(tenant, request, None));
    match session.write(INSERT_FREE, &columns.parameters()).await {
        Ok(_) => Ok(true),
        Err(Fault::Rival(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Makes the rows of a request within a transaction: all, or none. False where all that is taken
/// was taken by this very request before, and nothing is to be done.
pub(in crate::store::postgres) async fn insert_all(
    transaction: &Transaction,
    tenant: TenantId,
    request: &NewImports,
    upload: Option<UploadId>,
) -> Result<bool, Fault> {
    let columns = Columns::of(arriving(tenant, request, upload));
    let made = made(&transaction.query(INSERT, &columns.parameters()).await?)?;
    if made.len() == request.rows.len() {
        return Ok(true);
    }
    let keys: Vec<_> = request.rows.iter().map(|row| (tenant, row.id)).collect();
    let (tenants, ids) = split(&keys);
    let holders = holders(&transaction.query(HOLDERS, &[&tenants, &ids]).await?)?;
    let taken = taken(tenant, request, &holders);
    if taken.is_empty() {
        return Ok(false);
    }
    Err(StoreError::Conflict(Unique::ImportIds(taken)).into())
}

fn arriving(
    tenant: TenantId,
    request: &NewImports,
    upload: Option<UploadId>,
) -> impl Iterator<Item = Arriving<'_>> {
    request.rows.iter().map(move |row| Arriving {
        tenant,
        request,
        row,
        upload,
    })
}

/// Which requests hold these ids.
pub(super) async fn find_holders(
    session: &Session,
    keys: &[(TenantId, ImportId)],
) -> Result<HashMap<(TenantId, ImportId), CallId>, Fault> {
    let (tenants, ids) = split(keys);
    let parameters: Parameters<'_> = &[&tenants, &ids];
    holders(&session.query(HOLDERS, parameters).await?)
}

const HOLDERS: &str = "SELECT tenant, id, call FROM import
    JOIN unnest($1::uuid[], $2::uuid[]) AS wanted (tenant, id) USING (tenant, id)";

fn split(keys: &[(TenantId, ImportId)]) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().map(|(tenant, id)| (tenant.0, id.0)).unzip()
}

fn made(rows: &[Row]) -> Result<HashSet<(TenantId, ImportId)>, Fault> {
    let key = |row: &Row| Ok((TenantId(get(row, "tenant")?), ImportId(get(row, "id")?)));
    rows.iter().map(key).collect()
}

fn holders(rows: &[Row]) -> Result<HashMap<(TenantId, ImportId), CallId>, Fault> {
    let holder = |row: &Row| {
        let key = (TenantId(get(row, "tenant")?), ImportId(get(row, "id")?));
        Ok((key, CallId(get(row, "call")?)))
    };
    rows.iter().map(holder).collect()
}

/// The ids of a refused request that others hold, or that stand in it twice, each once, in its
/// order.
fn taken(
    tenant: TenantId,
    request: &NewImports,
    holders: &HashMap<(TenantId, ImportId), CallId>,
) -> Vec<ImportId> {
    let mut seen = HashSet::new();
    let mut named = HashSet::new();
    let mut taken = Vec::new();
    for row in &request.rows {
        let holder = holders.get(&(tenant, row.id));
        let held_by_another = holder.is_some_and(|call| *call != request.call);
        if (!seen.insert(row.id) || held_by_another) && named.insert(row.id) {
            taken.push(row.id);
        }
    }
    taken
}

/// Writes something over by itself and commits it: what was committed before is then as durable as
/// this, a standby's word for it included.
pub(in crate::store::postgres) async fn confirm(session: &Session) -> Result<(), Fault> {
    let rewrite = "UPDATE meta SET value = value WHERE key = 'kind' RETURNING key";
    match session.write(rewrite, &[]).await?.len() {
        1 => Ok(()),
        _ => Err(corrupt("a database that does not say what made it")),
    }
}
