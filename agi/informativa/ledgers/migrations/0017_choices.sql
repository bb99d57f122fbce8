-- What a caller answered to a choice, as `rows.asked_text` writes it; NULL for a record of a notice.
ALTER TABLE event ADD COLUMN asked TEXT;

-- The last answer of each caller to each choice that is remembered of him, derived from the records as `standing` is:
-- his last act (1: granted, refused, withdrawn), and the last time when he gave no answer (0).
CREATE TABLE answer (
    pseudonym  BLOB    NOT NULL,
    choice     TEXT    NOT NULL,
    act        INTEGER NOT NULL CHECK (act IN (0, 1)),
    word       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    purposes   TEXT    NOT NULL,               -- sorted, one space between
    at         INTEGER NOT NULL,               -- microseconds since 1970
    record     INTEGER NOT NULL,
    box        TEXT    NOT NULL DEFAULT '',    -- the box that has the record, '' for this one
    rank       INTEGER NOT NULL,               -- `at`, ten minutes later for what does not grant: the greatest counts
    PRIMARY KEY (pseudonym, choice, act)
) WITHOUT ROWID;
