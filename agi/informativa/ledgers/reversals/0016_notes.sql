-- Both name notes, of which there are none, or the reversal is refused.
DROP TABLE newest;
DROP INDEX leaf_note;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
    'what       BLOB    CHECK', 'what       BLOB    NOT NULL CHECK'),
    'who        BLOB    CHECK', 'who        BLOB    NOT NULL CHECK')
WHERE type = 'table' AND name = 'leaf';
-- So that every connection reads the schema anew. A view, for which no page is taken.
CREATE VIEW numbers AS SELECT record FROM event;
DROP VIEW numbers;
PRAGMA writable_schema = RESET;
