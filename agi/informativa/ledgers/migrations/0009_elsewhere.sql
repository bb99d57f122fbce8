-- The record of another box that shows what the caller had already, as BOX:NUMBER.
ALTER TABLE event ADD COLUMN elsewhere TEXT;

-- What other boxes of the same company told callers: copied from the database where boxes meet, and there to be
-- had again. Not derived from this ledger's own records. Empty where no other box is.
CREATE TABLE elsewhere (
    pseudonym  BLOB    NOT NULL,
    notice     TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    supplement INTEGER NOT NULL,               -- 1: only what was new
    purposes   TEXT    NOT NULL,
    box        TEXT    NOT NULL,
    record     INTEGER NOT NULL,               -- its number there
    at         INTEGER NOT NULL,
    PRIMARY KEY (pseudonym, notice, version, supplement, purposes)
) WITHOUT ROWID;

-- When a caller who knew a notice last called another box (NULL: never), and since when the number is somebody
-- else's (NULL: it is not).
CREATE TABLE number_use (
    pseudonym  BLOB    NOT NULL,
    notice     TEXT    NOT NULL,
    seen       INTEGER,
    recycled   INTEGER,
    PRIMARY KEY (pseudonym, notice)
) WITHOUT ROWID;

-- Who this ledger is in the database where boxes meet, and up to which record each other box's are in `elsewhere`.
CREATE TABLE box (
    name       TEXT    PRIMARY KEY,
    record     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE identity (identity BLOB NOT NULL CHECK (length(identity) = 16));
