-- Uploads: the baskets in which clients of 2018 sent their imports.
CREATE TABLE upload (
    tenant BLOB NOT NULL CHECK (length(tenant) = 16),
    id BLOB NOT NULL CHECK (length(id) = 16),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- The upload in which an import came, which hardly any does: the indexes hold only those. Without
-- a CHECK, for which SQLite would read the whole table once.
ALTER TABLE import ADD COLUMN upload BLOB;
CREATE INDEX import_by_upload ON import (tenant, upload, id) WHERE upload IS NOT NULL;
CREATE INDEX import_by_upload_state ON import (tenant, upload, state) WHERE upload IS NOT NULL;
