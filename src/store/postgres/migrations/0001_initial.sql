-- Instants are Unix time in microseconds, by the clock of Autopilot's rules; only leases are the
-- database's own time. Texts compare by code point, whatever the database's own collation is.
-- Whole numbers are bigint: what a query compares them with needs no other type.

-- Trusted extensions of Debian's own package: whoever owns the database may create them.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE meta (
    key text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

-- The imports, which are the registrar's queue as well: claim_token holds one until leased_until.
-- seq is the order of acceptance. A blob's padding is a number: hardware_len_bytes counts it,
-- hardware_content leaves it out.
CREATE TABLE import (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    call uuid NOT NULL,
    accepted_at bigint NOT NULL,
    state bigint NOT NULL DEFAULT 0 CHECK (state IN (0, 3, 4)),
    version bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    claim_token uuid,
    leased_until timestamptz,
    device uuid,
    error_code bigint,
    group_tag text COLLATE "C",
    serial_number text COLLATE "C",
    product_key text COLLATE "C",
    import_id text COLLATE "C",
    assigned_user_principal_name text COLLATE "C",
    hardware_len_bytes bigint,
    hardware_content bytea,
    upload uuid,
    PRIMARY KEY (tenant, id),
    CHECK ((state = 3) = (device IS NOT NULL)),
    CHECK ((state = 4) = (error_code IS NOT NULL)),
    CHECK ((claim_token IS NULL) = (leased_until IS NULL)),
    CHECK ((hardware_len_bytes IS NULL) = (hardware_content IS NULL))
);
-- Claiming changes no column of an index, so that it writes no index anew.
CREATE INDEX import_waiting ON import (accepted_at, seq) WHERE state = 0;
CREATE INDEX import_refused ON import (tenant, id) WHERE state = 4;
CREATE INDEX import_by_upload ON import (tenant, upload, id) WHERE upload IS NOT NULL;
-- Trigrams within the tenant. What they find is looked at again: they only narrow down.
CREATE INDEX import_serial ON import USING gin (tenant, serial_number gin_trgm_ops);

-- Every piece of hardware that was ever registered, and who owns it now. One row, one owner.
-- fingerprints is all that is known of it, in order: for each a kind's number and a SHA-256.
CREATE TABLE ledger_entry (
    world text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    owner_tenant uuid,
    owner_device uuid,
    owner_call uuid,
    serial_number text COLLATE "C" NOT NULL,
    product_key text COLLATE "C" NOT NULL,
    serial_number_folded text COLLATE "C" NOT NULL,
    product_key_folded text COLLATE "C" NOT NULL,
    fingerprints bytea NOT NULL CHECK (length(fingerprints) % 33 = 0),
    PRIMARY KEY (world, id),
    CHECK ((owner_tenant IS NULL) = (owner_device IS NULL)),
    CHECK ((owner_tenant IS NULL) = (owner_call IS NULL))
);
CREATE INDEX ledger_entry_by_name
    ON ledger_entry (world, serial_number_folded, product_key_folded);

-- By what hardware is found: endorsement keys (kind 1) and blobs (4), which are one entry's at
-- most, and
CREATE TABLE ledger_unique_key (
    world text COLLATE "C" NOT NULL,
    kind bigint NOT NULL CHECK (kind IN (1, 4)),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    entry uuid NOT NULL,
    PRIMARY KEY (world, kind, digest)
);

-- SMBIOS UUIDs (2) and names (3), which clones share. An anchored entry has an endorsement key:
-- two such entries are never the same device, however many share a UUID.
CREATE TABLE ledger_shared_key (
    world text COLLATE "C" NOT NULL,
    kind bigint NOT NULL CHECK (kind IN (2, 3)),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    anchored boolean NOT NULL,
    entry uuid NOT NULL,
    PRIMARY KEY (world, kind, digest, anchored, entry)
);

-- Absent texts are empty here. targeted_at is when the group tag or the profile of this very device
-- last changed: null while neither has since it was registered.
CREATE TABLE device (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    ledger_entry uuid NOT NULL,
    registered_at bigint NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    group_tag text COLLATE "C" NOT NULL,
    serial_number text COLLATE "C" NOT NULL,
    product_key text COLLATE "C" NOT NULL,
    manufacturer text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    sku_number text COLLATE "C" NOT NULL,
    system_family text COLLATE "C" NOT NULL,
    user_principal_name text COLLATE "C" NOT NULL,
    purchase_order_identifier text COLLATE "C" NOT NULL DEFAULT '',
    addressable_user_name text COLLATE "C" NOT NULL DEFAULT '',
    resource_name text COLLATE "C" NOT NULL DEFAULT '',
    directory_device_id text COLLATE "C" NOT NULL DEFAULT '',
    managed_device_id text COLLATE "C" NOT NULL DEFAULT '',
    display_name text COLLATE "C" NOT NULL DEFAULT '',
    device_account_upn text COLLATE "C" NOT NULL DEFAULT '',
    device_friendly_name text COLLATE "C" NOT NULL DEFAULT '',
    userless_enrollment bigint NOT NULL DEFAULT 0 CHECK (userless_enrollment IN (0, 1, 2)),
    direct_profile uuid,
    targeted_at bigint,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, ledger_entry)
);
CREATE INDEX device_serial ON device USING gin (tenant, serial_number gin_trgm_ops);
CREATE INDEX device_by_directory_device ON device (tenant, directory_device_id)
    WHERE directory_device_id <> '';
CREATE INDEX device_by_direct_profile ON device (tenant, direct_profile)
    WHERE direct_profile IS NOT NULL;

-- Devices that were deleted in the last 30 days.
CREATE TABLE device_tombstone (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    deleted_at bigint NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX device_tombstone_by_age ON device_tombstone (tenant, deleted_at);

-- Uploads: the baskets in which clients of 2018 sent their imports.
CREATE TABLE upload (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Deployment profiles, at most 350 a tenant. A status screen is there as a whole or not at all.
CREATE TABLE profile (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    kind bigint NOT NULL CHECK (kind IN (1, 2)),
    created_at bigint NOT NULL,
    modified_at bigint NOT NULL,
    display_name text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    locale text COLLATE "C" NOT NULL,
    device_name_template text COLLATE "C" NOT NULL,
    device_type bigint NOT NULL,
    usage_type bigint NOT NULL,
    user_type bigint NOT NULL,
    hide_escape_link boolean NOT NULL,
    hide_eula boolean NOT NULL,
    hide_privacy_settings boolean NOT NULL,
    skip_keyboard_page boolean NOT NULL,
    extract_hardware_hash boolean NOT NULL,
    allow_preprovisioning boolean NOT NULL,
    skip_connectivity_check boolean NOT NULL,
    management_service_app_id text COLLATE "C",
    -- One a line.
    role_scope_tags text COLLATE "C" NOT NULL,
    screen_timeout_minutes bigint,
    screen_hide_progress boolean,
    screen_allow_early_use boolean,
    screen_block_retry boolean,
    screen_allow_log_collection boolean,
    screen_allow_use_on_failure boolean,
    screen_error_message text COLLATE "C",
    PRIMARY KEY (tenant, id)
);

-- For whom profiles are. All devices are a group too, of Graph's own id. effective_at is since when
-- the row decides for its devices, at the earliest.
CREATE TABLE profile_assignment (
    tenant uuid NOT NULL,
    group_id uuid NOT NULL,
    is_exclusion boolean NOT NULL,
    profile uuid NOT NULL,
    effective_at bigint NOT NULL,
    PRIMARY KEY (tenant, group_id, is_exclusion, profile)
);
CREATE INDEX profile_assignment_by_profile ON profile_assignment (tenant, profile);

-- When a tenant was synced last, and when before that.
CREATE TABLE tenant_sync (
    tenant uuid PRIMARY KEY,
    started_at bigint NOT NULL,
    before bigint
);

-- Who did what to which import, device and ledger entry. Rows are only ever added.
CREATE TABLE audit (
    tenant uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at bigint NOT NULL,
    actor_kind text COLLATE "C" NOT NULL,
    actor_id text COLLATE "C" NOT NULL,
    application text COLLATE "C",
    action text COLLATE "C" NOT NULL,
    import uuid,
    device uuid,
    ledger_entry uuid,
    detail text COLLATE "C",
    PRIMARY KEY (tenant, seq)
);
CREATE FUNCTION audit_rows_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit rows are never changed and never deleted';
END
$$;
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_rows_stay();
