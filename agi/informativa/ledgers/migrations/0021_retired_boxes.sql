-- Other boxes that left for good, each by the identity of its ledger. A shared database that lost it, since a standby
-- took over without it, hears it again.
CREATE TABLE retired_box (
    name      TEXT NOT NULL,
    identity  BLOB NOT NULL,
    successor TEXT,      -- the box that took its place
    noted     INTEGER,   -- the record of this ledger that notes it, where that is this box
    left_by   INTEGER,   -- the record that notes that it left, where that was typed on this box; 0: not noted yet
    PRIMARY KEY (name, identity)
) WITHOUT ROWID;

-- Up to which record each other box's were taken in goes by the identity of its ledger: two machines may have had one
-- name, one after the other since a standby took over. x'': from before, until that ledger's identity is heard of.
ALTER TABLE box RENAME TO box_by_name;
CREATE TABLE box (
    name       TEXT    NOT NULL,
    identity   BLOB    NOT NULL DEFAULT x'',
    record     INTEGER NOT NULL,
    answers    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (name, identity)
) WITHOUT ROWID;
INSERT INTO box (name, record, answers) SELECT name, record, answers FROM box_by_name;
DROP TABLE box_by_name;

-- The caller's leaves in the logs of other boxes, as ORIGIN INDEX, a line each, when they were erased in the shared
-- database: a box that leaves for good before it has erased him notes nothing, and this one does it then.
ALTER TABLE erasure_request ADD COLUMN places TEXT NOT NULL DEFAULT '';

-- Boxes of which this ledger has taken in records up to here that the shared database had lost when this box took part
-- again: it could not say whether their callers were erased meanwhile.
CREATE TABLE lost_tail (
    name   TEXT    PRIMARY KEY,
    record INTEGER NOT NULL
) WITHOUT ROWID;

-- Records of other boxes that were erased at the request of this one, with the commitment of the leaf, from which
-- nothing leads to the caller. A shared database that has one of them unerased was put back from an old copy, or has
-- it from a ledger that was.
CREATE TABLE erased_record (
    name   TEXT    NOT NULL,
    record INTEGER NOT NULL,
    who    BLOB    NOT NULL,
    PRIMARY KEY (name, record, who)
) WITHOUT ROWID;
