-- Who looked at whom, of one controller. Rows are added, and go from the oldest on; nothing else of them changes
-- but whom one was about, which goes when he is erased.
CREATE TABLE access (
    number    INTEGER PRIMARY KEY,    -- from 1, without a gap
    at        INTEGER NOT NULL,       -- microseconds since 1970, UTC
    account   TEXT NOT NULL,          -- who
    action    TEXT NOT NULL,          -- did what (model.Action)
    pseudonym BLOB,                   -- to whom, where it was about one caller
    salt      BLOB,                   -- that of `who`; goes with the pseudonym
    who       BLOB,                   -- SHA-256 of the salt and the pseudonym: stays, and tells nothing without the salt
    record    INTEGER,                -- which record, where it was about one
    detail    TEXT NOT NULL,          -- what else: words of a page, never a number
    hash      BLOB NOT NULL           -- SHA-256 of the hash before and of this row without pseudonym and salt
) STRICT;
-- `number` and `hash` of the last row that was purged; `unclean` while bytes of an erased caller may be left.
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, hash BLOB NOT NULL, unclean INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0, zeroblob(32), 0);
-- REPLACE deletes without asking the trigger below.
CREATE TRIGGER access_is_added BEFORE INSERT ON access
WHEN NEW.number <> 1 + coalesce((SELECT max(number) FROM access), (SELECT number FROM state))
BEGIN SELECT raise(ABORT, 'rows are only added'); END;
CREATE TRIGGER access_is_kept BEFORE UPDATE ON access
WHEN NEW.pseudonym IS NOT NULL OR NEW.salt IS NOT NULL
    OR (NEW.number, NEW.at, NEW.account, NEW.action, NEW.detail, NEW.hash)
        <> (OLD.number, OLD.at, OLD.account, OLD.action, OLD.detail, OLD.hash)
    OR NEW.who IS NOT OLD.who OR NEW.record IS NOT OLD.record
BEGIN SELECT raise(ABORT, 'rows are never changed'); END;
CREATE TRIGGER access_is_purged BEFORE DELETE ON access
WHEN OLD.number > (SELECT number FROM state)
BEGIN SELECT raise(ABORT, 'rows are only purged'); END;
CREATE TRIGGER state_goes_on BEFORE UPDATE ON state WHEN NEW.number < OLD.number
BEGIN SELECT raise(ABORT, 'what is purged stays so'); END;
CREATE TRIGGER state_is_kept BEFORE DELETE ON state
BEGIN SELECT raise(ABORT, 'what is purged stays so'); END;
