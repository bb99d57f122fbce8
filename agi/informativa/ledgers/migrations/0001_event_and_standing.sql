-- One row for each decision and what became of it. Never updated; numbers are never used again.
-- No caller's number: `pseudonym` is its HMAC-SHA256 under the controller's key, NULL where the
-- caller was not recognised.
CREATE TABLE event (
    record     INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,               -- microseconds since 1970, UTC
    call       TEXT    NOT NULL,               -- Asterisk's unique id
    line       TEXT    NOT NULL,               -- the called number as configured
    pseudonym  BLOB    CHECK (length(pseudonym) = 32),
    notice     TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    purposes   TEXT    NOT NULL,               -- in alphabetical order, separated by spaces
    status     TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    prompt     TEXT    NOT NULL,               -- path without extension; '' where nothing was played
    ending     TEXT,                           -- how the playback ended; NULL where nothing was played
    heard      REAL,                           -- seconds of the prompt that the caller heard
    length     REAL,                           -- seconds that the prompt lasts
    key        TEXT,                           -- the key that stopped it, '' if none
    basis      INTEGER REFERENCES event (record)  -- the record that shows what the caller had already
);

-- What each caller was told in full, derived from `event`: it can be dropped and rebuilt.
-- WITHOUT ROWID: half the space and three quarters of the look-up time at any number of callers.
CREATE TABLE standing (
    pseudonym  BLOB    NOT NULL,
    notice     TEXT    NOT NULL,
    versions   TEXT    NOT NULL,               -- all that the caller heard, separated by spaces
    purposes   TEXT    NOT NULL,
    record     INTEGER NOT NULL,               -- the latest of them
    at         INTEGER NOT NULL,
    PRIMARY KEY (pseudonym, notice)
) WITHOUT ROWID;
