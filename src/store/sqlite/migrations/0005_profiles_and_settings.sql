-- Deployment profiles, at most 350 a tenant. A status screen is there as a whole or not at all.
CREATE TABLE profile (
    tenant BLOB NOT NULL CHECK (length(tenant) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    locale TEXT NOT NULL,
    device_name_template TEXT NOT NULL,
    device_type INTEGER NOT NULL,
    usage_type INTEGER NOT NULL,
    user_type INTEGER NOT NULL,
    hide_escape_link INTEGER NOT NULL,
    hide_eula INTEGER NOT NULL,
    hide_privacy_settings INTEGER NOT NULL,
    skip_keyboard_page INTEGER NOT NULL,
    extract_hardware_hash INTEGER NOT NULL,
    allow_preprovisioning INTEGER NOT NULL,
    skip_connectivity_check INTEGER NOT NULL,
    management_service_app_id TEXT,
    -- One a line.
    role_scope_tags TEXT NOT NULL,
    screen_timeout_minutes INTEGER,
    screen_hide_progress INTEGER,
    screen_allow_early_use INTEGER,
    screen_block_retry INTEGER,
    screen_allow_log_collection INTEGER,
    screen_allow_use_on_failure INTEGER,
    screen_error_message TEXT,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- For whom profiles are. All devices are a group too, of Graph's own id. `effective_at` is since
-- when the row decides for its devices, at the earliest.
CREATE TABLE profile_assignment (
    tenant BLOB NOT NULL CHECK (length(tenant) = 16),
    group_id BLOB NOT NULL CHECK (length(group_id) = 16),
    is_exclusion INTEGER NOT NULL CHECK (is_exclusion IN (0, 1)),
    profile BLOB NOT NULL CHECK (length(profile) = 16),
    effective_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_id, is_exclusion, profile)
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_assignment_by_profile ON profile_assignment (tenant, profile);

-- What was said of a very device, and when that or its group tag last changed: null while neither
-- has since it was registered.
ALTER TABLE device ADD COLUMN direct_profile BLOB;
ALTER TABLE device ADD COLUMN targeted_at INTEGER;
CREATE INDEX device_by_direct_profile ON device (tenant, direct_profile)
    WHERE direct_profile IS NOT NULL;

-- When a tenant was synced last, and when before that.
CREATE TABLE tenant_sync (
    tenant BLOB PRIMARY KEY CHECK (length(tenant) = 16),
    started_at INTEGER NOT NULL,
    before INTEGER
) STRICT, WITHOUT ROWID;
