-- Other boxes that left for good, each by the identity of its ledger. A shared database that lost it, since a standby
-- took over without it, hears it again.
CREATE TABLE retired_box (
    name      TEXT NOT NULL,
    identity  BLOB NOT NULL,
    successor TEXT,      -- the box that took its place
    noted     INTEGER,   -- the record of this ledger that notes it, where that is this box
    PRIMARY KEY (name, identity)
) WITHOUT ROWID;
