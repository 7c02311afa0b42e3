-- Serial numbers are searched by their trigrams first: an index is read column by column, in order,
-- for each row that may be meant, few rows have a trigram, and a large tenant has most rows. Where rows
-- are there already, that would keep everybody waiting: `search_index.rs` does it beside them.
--
-- New entries are kept in a list first, which every search reads whole. That of devices, which are
-- searched most, ends at a quarter of the usual length (KB).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM import) AND NOT EXISTS (SELECT FROM device) THEN
        DROP INDEX import_serial, device_serial;
        CREATE INDEX import_search ON import USING gin (serial_number gin_trgm_ops, tenant);
        CREATE INDEX device_search ON device USING gin (serial_number gin_trgm_ops, tenant)
            WITH (gin_pending_list_limit = 1024);
    END IF;
END $$;
