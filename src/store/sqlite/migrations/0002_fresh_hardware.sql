-- Hardware whose keys are not in the key tables yet: they are gathered in memory and moved there in
-- the tables' own order, because one by one each would rewrite a page of its own.
CREATE TABLE ledger_fresh (
    seq INTEGER PRIMARY KEY,
    entry BLOB NOT NULL CHECK (length(entry) = 16)
) STRICT;
