-- Which programs may go on working on the schema that a migration leaves: those that know at least
-- this version. Of the first, its own.
ALTER TABLE schema_migration ADD COLUMN oldest_compatible bigint NOT NULL DEFAULT 1;
