-- How the caller got the notice (phone, operator, website, contract), and what shows it where that is
-- not this ledger. Also `erasure` and `purge`: that records were erased or deleted, and how many.
ALTER TABLE event ADD COLUMN kind TEXT NOT NULL DEFAULT 'phone';
ALTER TABLE event ADD COLUMN reference TEXT NOT NULL DEFAULT '';
-- Set when a caller asked to be erased: what could lead to him is gone from the row.
ALTER TABLE event ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;

-- One row a version, so that deleting a record takes exactly what it proved. Rebuilt from the events;
-- with max() SQLite takes the other columns from the row that has the maximum.
DROP TABLE standing;
CREATE TABLE standing (
    pseudonym  BLOB    NOT NULL,
    notice     TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    purposes   TEXT    NOT NULL,               -- that this version told of, separated by spaces
    record     INTEGER NOT NULL,               -- the latest delivery of this version
    at         INTEGER NOT NULL,
    PRIMARY KEY (pseudonym, notice, version)
) WITHOUT ROWID;
INSERT INTO standing (record, pseudonym, notice, version, purposes, at)
SELECT max(record), pseudonym, notice, version, purposes, at
FROM event WHERE pseudonym IS NOT NULL AND status = 'PLAYED' GROUP BY pseudonym, notice, version;
