-- A record's number is never used again: the newest record is never deleted (a purge puts the record of itself after
-- what it deletes), and the leaves have all numbers besides. So no call pays for the page of SQLite's own counter.
-- The rows stay as they are; what AUTOINCREMENT stands in is text, which may be changed so
-- (https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
-- A ledger whose last records are gone without such a record keeps the counter.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER PRIMARY KEY AUTOINCREMENT', 'INTEGER PRIMARY KEY')
WHERE type = 'table' AND name = 'event'
AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'event' AND seq > (SELECT coalesce(max(record), 0) FROM event));
DELETE FROM sqlite_sequence
WHERE name = 'event' AND EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'event' AND sql NOT LIKE '%AUTOINCREMENT%');
-- So that every connection reads the schema anew. A view, for which no page is taken.
CREATE VIEW numbers AS SELECT record FROM event;
DROP VIEW numbers;
PRAGMA writable_schema = RESET;
