-- Whoever adds a device notes it for the index of serial numbers in a statement of its own: a trigger
-- makes SQLite set a savepoint for every device, for which it copies each page that the device changes.
DROP TRIGGER device_serial_added;

-- Hardware by serial number and product key, folded, where it has both. A name falls anywhere, as a
-- fingerprint does, and goes the same way into its table: by ledger_fresh, in order.
CREATE TABLE ledger_name (
    world TEXT NOT NULL,
    serial_number TEXT NOT NULL,
    product_key TEXT NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (world, serial_number, product_key, entry)
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_name (world, serial_number, product_key, entry)
    SELECT world, serial_number_folded, product_key_folded, id FROM ledger_entry
    WHERE serial_number_folded <> '' AND product_key_folded <> ''
        AND id NOT IN (SELECT entry FROM ledger_fresh)
    ORDER BY serial_number_folded, product_key_folded;
DROP INDEX ledger_entry_by_name;
