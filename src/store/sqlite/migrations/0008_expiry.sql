-- When an import was settled; null while it waits, and where that was before this column was: then
-- it counts as settled when it was accepted. Without a CHECK, for which SQLite would read the whole
-- table once.
ALTER TABLE import ADD COLUMN settled_at INTEGER;

-- What an upload had among its imports that have expired: 0 nothing, 1 complete ones, 2 a refused
-- one.
ALTER TABLE upload ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;
