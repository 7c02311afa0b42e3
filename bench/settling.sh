#!/bin/bash
# What an import costs PostgreSQL from its creation to its outcome, by the way in which it is kept:
# time and log a row for creating, claiming and settling, in batches as Hangar's. SQL only: what a
# change of the schema could save is measured here before anybody writes it.
#
#     bench/settling.sh [VARIANT] [BATCHES]
#
# VARIANT: now (the default), expiring (with the index of what is settled), no-trigrams,
# queue (what waits in a table of its own), half-full (fillfactor 50), pending-KB (how long the list of
# trigrams that are not in the index yet may grow).
# Needs Debian's postgresql; makes a cluster with fsync in a temporary directory, and removes it.
set -euo pipefail
variant=${1:-now} batches=${2:-20}
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
migrations=$(cd "$(dirname "$0")/../src/store/postgres/migrations" && pwd)
directory=$(mktemp -d)
# PostgreSQL refuses root.
as=()
if [ "$(id -u)" = 0 ]; then
    chown nobody "$directory"
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
"${as[@]}" "$bin/initdb" -D "$directory/data" -U hangar --auth=trust --encoding=UTF8 --locale=C.UTF-8 >/dev/null
# Vacuum would come in at another moment each time.
"${as[@]}" "$bin/postgres" -D "$directory/data" -k "$directory" -c listen_addresses= \
    -c shared_buffers=256MB -c max_wal_size=4GB -c autovacuum=off >"$directory/log" 2>&1 &
server=$!
trap 'kill -INT $server; wait $server || true; rm -rf "$directory"' EXIT
ask() { "$bin/psql" -X -q -At -v ON_ERROR_STOP=1 -h "$directory" -U hangar -d postgres "$@"; }
until ask -c 'SELECT 1' >/dev/null 2>&1; do sleep 0.2; done
ask -c 'CREATE TABLE schema_migration (number bigint PRIMARY KEY)'
for migration in "$migrations"/*.sql; do ask -f "$migration"; done

columns="import (tenant, id, call, accepted_at, group_tag, serial_number, import_id, hardware_len_bytes, hardware_content)
    SELECT tenant, gen_random_uuid(), gen_random_uuid(), batch, 'TAG',
        'PF-' || lpad(to_hex((random() * 4e9)::bigint), 9, '0'), gen_random_uuid()::text, 3000, blob
    FROM unnest(blobs) AS blob"
create="INSERT INTO $columns;"
claim="WITH due AS MATERIALIZED (SELECT tenant, id FROM import WHERE state = 0 AND claim_token IS NULL
        ORDER BY accepted_at, seq LIMIT 1024 FOR UPDATE SKIP LOCKED)
    UPDATE import SET claim_token = token, leased_until = now() FROM due
    WHERE import.tenant = due.tenant AND import.id = due.id;"
held="SELECT array_agg(id) INTO ids FROM import WHERE state = 0 AND claim_token = token;
    PERFORM 1 FROM import WHERE import.tenant = settle.tenant AND id = ANY (ids) ORDER BY id FOR UPDATE;"
case $variant in
now) ;;
expiring) ask -c "CREATE INDEX import_settled ON import ((coalesce(settled_at, accepted_at))) WHERE state <> 0" ;;
no-trigrams) ask -c "DROP INDEX import_search" ;;
pending-*) ask -c "ALTER INDEX import_search SET (gin_pending_list_limit = ${variant#pending-})" ;;
half-full) ask -c "ALTER TABLE import SET (fillfactor = 50)" ;;
queue)
    ask -c "DROP INDEX import_waiting" -c "DROP INDEX import_refused" \
        -c "CREATE INDEX import_refused ON import (tenant, id) WHERE error_code IS NOT NULL" \
        -c "CREATE TABLE import_queue (tenant uuid, id uuid, accepted_at bigint, seq bigint,
            claim_token uuid, leased_until timestamptz, PRIMARY KEY (tenant, id))" \
        -c "CREATE INDEX import_queue_order ON import_queue (accepted_at, seq)"
    create="WITH made AS (INSERT INTO $columns RETURNING import.tenant, id, accepted_at, seq)
        INSERT INTO import_queue SELECT * FROM made;"
    claim="WITH due AS MATERIALIZED (SELECT tenant, id FROM import_queue WHERE claim_token IS NULL
            ORDER BY accepted_at, seq LIMIT 1024 FOR UPDATE SKIP LOCKED)
        UPDATE import_queue AS queue SET claim_token = token, leased_until = now() FROM due
        WHERE queue.tenant = due.tenant AND queue.id = due.id;"
    held="SELECT array_agg(id) INTO ids FROM import_queue WHERE claim_token = token;
        DELETE FROM import_queue WHERE import_queue.tenant = settle.tenant AND id = ANY (ids);"
    ;;
*) echo "no such variant: $variant" >&2; exit 2 ;;
esac
ask <<SQL
CREATE TABLE cost (what text, seconds numeric, log numeric);
CREATE FUNCTION fill(tenant uuid, batch bigint, blobs bytea[]) RETURNS void LANGUAGE plpgsql AS \$\$
    #variable_conflict use_variable
    BEGIN $create END \$\$;
CREATE FUNCTION claim(token uuid) RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN $claim END \$\$;
CREATE FUNCTION settle(tenant uuid, token uuid) RETURNS void LANGUAGE plpgsql AS \$\$
    DECLARE ids uuid[];
    BEGIN
        $held
        UPDATE import SET state = 3, device = gen_random_uuid(), settled_at = 1, claim_token = NULL,
            leased_until = NULL
        WHERE import.tenant = settle.tenant AND id = ANY (ids) AND state = 0;
    END \$\$;
CREATE PROCEDURE measure(what text, statement text) LANGUAGE plpgsql AS \$\$
    DECLARE began timestamptz := clock_timestamp(); at pg_lsn := pg_current_wal_insert_lsn();
    BEGIN
        EXECUTE statement;
        COMMIT;
        INSERT INTO cost VALUES (what, extract(epoch FROM clock_timestamp() - began),
            pg_current_wal_insert_lsn() - at);
        COMMIT;
    END \$\$;
CREATE TABLE blob AS SELECT string_agg(sha256(random()::text::bytea), '') AS blob, part, number
    FROM generate_series(1, 8) AS part, generate_series(1, 128) AS number, generate_series(1, 35)
    GROUP BY part, number;
DO \$\$
DECLARE tenant uuid := gen_random_uuid(); token uuid; part int;
BEGIN
    FOR batch IN 1..$batches LOOP
        FOR part IN 1..8 LOOP
            CALL measure('create', format('SELECT fill(%L, %s, (SELECT array_agg(blob) FROM blob
                WHERE part = %s))', tenant, batch, part));
        END LOOP;
        token := gen_random_uuid();
        CALL measure('claim', format('SELECT claim(%L)', token));
        CALL measure('settle', format('SELECT settle(%L, %L)', tenant, token));
    END LOOP;
END \$\$;
SQL
settled=$(ask -c "SELECT count(*) FROM import WHERE state = 3")
[ "$settled" = $((batches * 1024)) ] || { echo "settled $settled" >&2; exit 1; }
ask -F ' ' -c "SELECT '$variant', what, round(sum(seconds) * 1e6 / $settled, 1) || ' us',
        round(sum(log) / $settled) || ' bytes of log' FROM cost GROUP BY what ORDER BY what" \
    -c "SELECT '$variant', 'rows and indexes', pg_size_pretty(pg_total_relation_size('import'))"
