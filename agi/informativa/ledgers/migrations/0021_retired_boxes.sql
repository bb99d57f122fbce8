-- Other boxes that left for good, each by the identity of its ledger. A shared database that lost it, since a standby
-- took over without it, hears it again.
CREATE TABLE retired_box (
    name     TEXT NOT NULL,
    identity BLOB NOT NULL,
    PRIMARY KEY (name, identity)
) WITHOUT ROWID;
