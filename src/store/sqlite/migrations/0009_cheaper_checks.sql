-- For a list of more than two values SQLite makes a table in memory at every row that is checked. The
-- same in other words; nothing on disk changes but the words.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
    SET sql = replace(sql, 'state IN (0, 3, 4)', 'state = 0 OR state = 3 OR state = 4')
    WHERE type = 'table' AND name = 'import';
UPDATE sqlite_schema
    SET sql = replace(sql, 'userless_enrollment IN (0, 1, 2)', 'userless_enrollment BETWEEN 0 AND 2')
    WHERE type = 'table' AND name = 'device';
PRAGMA writable_schema = RESET;
