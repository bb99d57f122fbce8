-- Hertz: `heard` and `length` are samples at this rate. NULL: they are seconds, in a record from before.
ALTER TABLE event ADD COLUMN rate INTEGER;
-- The pseudonym by an earlier key whose `standing` moved with this record to the record's own pseudonym.
ALTER TABLE event ADD COLUMN earlier BLOB CHECK (length(earlier) = 32);
CREATE INDEX event_earlier ON event (earlier) WHERE earlier IS NOT NULL;

-- The log of which each record is a leaf. A new one begins with a new signing key, or after a ledger was lost.
CREATE TABLE log (
    epoch      INTEGER PRIMARY KEY,            -- 1, 2, …
    origin     TEXT    NOT NULL UNIQUE,        -- its name in every checkpoint
    first      INTEGER NOT NULL,               -- the `leaf` that is its leaf 0
    old        INTEGER NOT NULL,               -- records up to this one are from before there was a log
    entered    INTEGER NOT NULL                -- up to which of them have their leaf by now
);

-- What each record committed to when it was written (evidence/commitment.py). Neither updated nor deleted but
-- for the salts, without which a commitment can be opened no more: what is purged or erased loses them.
CREATE TABLE leaf (
    leaf       INTEGER PRIMARY KEY,            -- without gaps, never given again
    record     INTEGER NOT NULL,
    what       BLOB    NOT NULL CHECK (length(what) = 32),
    who        BLOB    NOT NULL CHECK (length(who) = 32),
    salt_what  BLOB    CHECK (length(salt_what) = 16),  -- NULL: purged
    salt_who   BLOB    CHECK (length(salt_who) = 16),   -- NULL: purged or erased
    binding    BLOB    CHECK (length(binding) = 32),    -- to the caller's number; NULL where nobody knew it
    migrated   INTEGER NOT NULL DEFAULT 0      -- 1: the record is from before there were leaves
);
-- Leaves from 0, records from 1: where they are counted alike, as in every ledger that began with a log, a record's
-- leaf is found by its number, and no call pays for the page of an index.
CREATE UNIQUE INDEX leaf_record ON leaf (record) WHERE record <> leaf + 1;
