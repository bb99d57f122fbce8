-- When it was put on record, in microseconds since 1970; NULL for a record from before this column. `at` is
-- when it happened: of what was told elsewhere that may be long before.
ALTER TABLE event ADD COLUMN recorded INTEGER;
-- Who said that the number is the caller's: nobody, network, signature, dialplan; NULL where that is not known.
ALTER TABLE event ADD COLUMN vouched TEXT;
-- SHA-256, in hexadecimal, of the sound that was played; '' where nothing was, or from before this column.
ALTER TABLE event ADD COLUMN recording TEXT NOT NULL DEFAULT '';
-- Set where only what is new was told, to somebody who knew the rest.
ALTER TABLE event ADD COLUMN supplement INTEGER NOT NULL DEFAULT 0;
-- 0 where it informs nobody by a setting of the line, although it was heard.
ALTER TABLE event ADD COLUMN counts INTEGER NOT NULL DEFAULT 1;

-- When this version was last told as a whole (NULL: only by a supplement), and when the caller last called,
-- where that is asked for.
ALTER TABLE standing ADD COLUMN whole INTEGER;
ALTER TABLE standing ADD COLUMN seen INTEGER;
UPDATE standing SET whole = at;

-- An imported row is found again by what it says, so no digest of it need outlive what it led to. Calls have no
-- reference, so this index costs them nothing.
DROP TABLE imported;
CREATE INDEX event_reference ON event (at, pseudonym) WHERE reference <> '';
