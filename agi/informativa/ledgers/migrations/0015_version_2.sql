-- Leaves from this row of `leaf` on are of version 2 (evidence/entries.py); those before it stay as they were signed.
ALTER TABLE log ADD COLUMN v2_from INTEGER NOT NULL DEFAULT 0;
UPDATE log SET v2_from = (SELECT coalesce(max(leaf) + 1, 0) FROM leaf);
-- Identifies the key that opens `binding`. NULL where there is no binding, and in version 1.
ALTER TABLE leaf ADD COLUMN opening BLOB CHECK (length(opening) = 32);

-- The last signed tree of each log, which a deleted or older folder of the log contradicts.
CREATE TABLE signed (
    epoch      INTEGER PRIMARY KEY,
    key        TEXT    NOT NULL,               -- by which it was signed, as a vkey
    size       INTEGER NOT NULL,
    root       BLOB    NOT NULL CHECK (length(root) = 32)
);
