-- Whose this ledger is: the company's name in the configuration, and the fingerprint of the newest key under which its
-- callers are known. One row, from the first time on that a configuration names the file.
CREATE TABLE owner (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    controller TEXT NOT NULL,
    key        TEXT NOT NULL
);
