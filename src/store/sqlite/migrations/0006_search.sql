-- What finds rows without looking at all of them. Nothing here says what a query means: it narrows
-- down which rows are looked at.

-- Serial numbers as they stand in the rows, for parts of them that are too short for the trigrams
-- below, or too common.
CREATE INDEX import_by_serial ON import (tenant, id, serial_number);
CREATE INDEX device_by_serial ON device (tenant, id, serial_number);

-- Scripts ask for the device of a directory object. Few devices have one.
CREATE INDEX device_by_directory_device ON device (tenant, directory_device_id)
    WHERE directory_device_id <> '';

-- Refused imports are few, and asked for.
CREATE INDEX import_refused ON import (tenant, id) WHERE state = 4;

-- Those that wait, found by tenant without their rows as well.
DROP INDEX import_waiting;
CREATE INDEX import_waiting ON import (accepted_at, seq, tenant, id) WHERE state = 0;

-- Trigrams of serial numbers, letter case folded. A document's number is the tenant's, times 2^40,
-- and a number within the tenant: an import's seq, or a device's in device_document. So a tenant's
-- documents lie side by side. Documents without a row are left over, and harmless.
CREATE VIRTUAL TABLE import_serial USING fts5 (
    serial_number, content = '', columnsize = 0, detail = none, tokenize = 'trigram'
);
CREATE VIRTUAL TABLE device_serial USING fts5 (
    serial_number, content = '', columnsize = 0, detail = none, tokenize = 'trigram'
);
CREATE TABLE device_document (
    document INTEGER PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16)
) STRICT;
CREATE INDEX device_document_by_id ON device_document (id);
CREATE TABLE search_tenant (
    number INTEGER PRIMARY KEY,
    tenant BLOB NOT NULL UNIQUE CHECK (length(tenant) = 16)
) STRICT;

-- The trigrams lag behind: those of imports lack all beyond this seq, and what changed below it or
-- among devices waits in search_change. Until it is worked in, it is looked through.
CREATE TABLE search_progress (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    imports_upto INTEGER NOT NULL
) STRICT;
INSERT INTO search_progress VALUES (1, 0);

CREATE TABLE search_change (
    seq INTEGER PRIMARY KEY,
    added INTEGER NOT NULL CHECK (added IN (0, 1)),
    tenant BLOB NOT NULL,
    import_seq INTEGER,
    device BLOB,
    serial_number TEXT NOT NULL,
    CHECK ((import_seq IS NULL) != (device IS NULL))
) STRICT;
INSERT INTO search_change (added, tenant, device, serial_number)
    SELECT 1, tenant, id, serial_number FROM device;

CREATE TRIGGER import_serial_changed AFTER UPDATE OF serial_number ON import
WHEN old.serial_number IS NOT new.serial_number
    AND old.seq <= (SELECT imports_upto FROM search_progress)
BEGIN
    INSERT INTO search_change (added, tenant, import_seq, serial_number)
        SELECT 0, old.tenant, old.seq, old.serial_number WHERE old.serial_number IS NOT NULL;
    INSERT INTO search_change (added, tenant, import_seq, serial_number)
        SELECT 1, new.tenant, new.seq, new.serial_number WHERE new.serial_number IS NOT NULL;
END;

CREATE TRIGGER import_serial_gone AFTER DELETE ON import
WHEN old.seq <= (SELECT imports_upto FROM search_progress)
BEGIN
    INSERT INTO search_change (added, tenant, import_seq, serial_number)
        SELECT 0, old.tenant, old.seq, old.serial_number WHERE old.serial_number IS NOT NULL;
END;

-- The seq of the last row is given out again once that row is gone.
CREATE TRIGGER import_seq_free AFTER DELETE ON import
WHEN (SELECT imports_upto FROM search_progress) > (SELECT ifnull(max(seq), 0) FROM import)
BEGIN
    UPDATE search_progress SET imports_upto = (SELECT ifnull(max(seq), 0) FROM import);
END;

CREATE TRIGGER device_serial_added AFTER INSERT ON device
BEGIN
    INSERT INTO search_change (added, tenant, device, serial_number)
        VALUES (1, new.tenant, new.id, new.serial_number);
END;

CREATE TRIGGER device_serial_changed AFTER UPDATE OF serial_number ON device
WHEN old.serial_number IS NOT new.serial_number
BEGIN
    INSERT INTO search_change (added, tenant, device, serial_number)
        VALUES (0, old.tenant, old.id, old.serial_number),
            (1, new.tenant, new.id, new.serial_number);
END;

CREATE TRIGGER device_serial_gone AFTER DELETE ON device
BEGIN
    INSERT INTO search_change (added, tenant, device, serial_number)
        VALUES (0, old.tenant, old.id, old.serial_number);
END;
