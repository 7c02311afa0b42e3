-- Which programs may go on working on the schema that a migration leaves: those that know at least
-- this version. Of the first, its own.
ALTER TABLE schema_migration ADD COLUMN oldest_compatible bigint NOT NULL DEFAULT 1;

-- When an import was settled; null while it waits, and where a program of before settled it: then it
-- counts as settled when it was accepted. The index over it is made where it is needed.
ALTER TABLE import ADD COLUMN settled_at bigint;

-- What an upload had among its imports that have expired: 0 nothing, 1 complete ones, 2 a refused
-- one.
ALTER TABLE upload ADD COLUMN expired bigint NOT NULL DEFAULT 0;
