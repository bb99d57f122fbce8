-- A leaf can be a note (evidence/notes.py): it commits to nothing, for its entry is the text in its record's `reference`.
-- Both commitments of a note are NULL. What NOT NULL stands in is text, which may be changed so
-- (https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
    'what       BLOB    NOT NULL CHECK', 'what       BLOB    CHECK'),
    'who        BLOB    NOT NULL CHECK', 'who        BLOB    CHECK')
WHERE type = 'table' AND name = 'leaf';
-- So that every connection reads the schema anew. A view, for which no page is taken.
CREATE VIEW numbers AS SELECT record FROM event;
DROP VIEW numbers;
PRAGMA writable_schema = RESET;
CREATE INDEX leaf_note ON leaf (leaf) WHERE what IS NULL;

-- The newest record of each kind that counts others. No index, of which each call would pay: an audit reads all records.
CREATE TABLE newest (
    kind       TEXT    PRIMARY KEY,            -- totals, access
    record     INTEGER NOT NULL
);
