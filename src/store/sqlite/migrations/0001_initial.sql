-- Instants are Unix time in microseconds; GUIDs are their 16 bytes, which sort as their text does.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The imports, which are the registrar's queue as well. `seq` is the order of acceptance.
-- A blob's padding is a number: hardware_len_bytes counts it, hardware_content leaves it out.
CREATE TABLE import (
    seq INTEGER PRIMARY KEY,
    tenant BLOB NOT NULL CHECK (length(tenant) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    call BLOB NOT NULL CHECK (length(call) = 16),
    accepted_at INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 3, 4)),
    version INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    device BLOB,
    error_code INTEGER,
    group_tag TEXT,
    serial_number TEXT,
    product_key TEXT,
    import_id TEXT,
    assigned_user_principal_name TEXT,
    hardware_len_bytes INTEGER,
    hardware_content BLOB,
    CHECK ((state = 3) = (device IS NOT NULL)),
    CHECK ((state = 4) = (error_code IS NOT NULL)),
    CHECK ((hardware_len_bytes IS NULL) = (hardware_content IS NULL))
) STRICT;
CREATE UNIQUE INDEX import_by_id ON import (tenant, id);
CREATE INDEX import_waiting ON import (accepted_at, seq) WHERE state = 0;

-- Every piece of hardware that was ever registered, and who owns it now. One row, one owner.
-- `fingerprints` is all that is known of it, in order: for each a kind's number and a SHA-256.
CREATE TABLE ledger_entry (
    world TEXT NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    owner_tenant BLOB,
    owner_device BLOB,
    owner_call BLOB,
    serial_number TEXT NOT NULL,
    product_key TEXT NOT NULL,
    serial_number_folded TEXT NOT NULL,
    product_key_folded TEXT NOT NULL,
    fingerprints BLOB NOT NULL CHECK (length(fingerprints) % 33 = 0),
    PRIMARY KEY (world, id),
    CHECK ((owner_tenant IS NULL) = (owner_device IS NULL)),
    CHECK ((owner_tenant IS NULL) = (owner_call IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_entry_by_name
    ON ledger_entry (world, serial_number_folded, product_key_folded);

-- By what hardware is found: endorsement keys (kind 1) and blobs (4), which are one entry's at
-- most, and
CREATE TABLE ledger_unique_key (
    world TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (1, 4)),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    entry BLOB NOT NULL,
    PRIMARY KEY (world, kind, digest)
) STRICT, WITHOUT ROWID;

-- SMBIOS UUIDs (2) and names (3), which clones share. `anchored` is 1 where the entry has an
-- endorsement key: two such entries are never the same device, however many share a UUID.
CREATE TABLE ledger_shared_key (
    world TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (2, 3)),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    anchored INTEGER NOT NULL CHECK (anchored IN (0, 1)),
    entry BLOB NOT NULL,
    PRIMARY KEY (world, kind, digest, anchored, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    tenant BLOB NOT NULL CHECK (length(tenant) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    ledger_entry BLOB NOT NULL UNIQUE,
    registered_at INTEGER NOT NULL,
    group_tag TEXT NOT NULL,
    serial_number TEXT NOT NULL,
    product_key TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    sku_number TEXT NOT NULL,
    system_family TEXT NOT NULL,
    user_principal_name TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- Devices that were deleted in the last 30 days.
CREATE TABLE device_tombstone (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_tombstone_by_age ON device_tombstone (deleted_at);

-- Who did what to which import, device and ledger entry. Rows are only ever added.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    tenant BLOB,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    application TEXT,
    action TEXT NOT NULL,
    import BLOB,
    device BLOB,
    ledger_entry BLOB,
    detail TEXT
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;
