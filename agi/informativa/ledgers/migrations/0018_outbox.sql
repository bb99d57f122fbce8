-- Messages about consents that a company's hook has not taken yet (outbox.py). A row is deleted once it is delivered, and
-- with its record. It has no number of a caller: `subject` is a keyed hash, or the company's own customer id.
CREATE TABLE outbox (
    record   INTEGER PRIMARY KEY,
    id       TEXT    NOT NULL,                  -- from the leaf: the same in every backup, and however often it is sent
    subject  TEXT    NOT NULL,
    bulk     INTEGER NOT NULL CHECK (bulk IN (0, 1)),  -- 1: waits for those with 0
    word     TEXT    NOT NULL,                  -- granted, refused, withdrawn
    choice   TEXT    NOT NULL,
    purpose  TEXT    NOT NULL,
    version  TEXT    NOT NULL,
    at       INTEGER NOT NULL,                  -- microseconds since 1970
    recorded INTEGER NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0,
    due      INTEGER NOT NULL DEFAULT 0,        -- not to be sent before
    refused  INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1)),
    error    TEXT    NOT NULL DEFAULT ''        -- of the last try: the status of the answer, or why there was none
);
CREATE INDEX outbox_subject ON outbox (subject, record);
CREATE INDEX outbox_next ON outbox (bulk, tries, record);

-- What became of the last messages; no row before the first one.
CREATE TABLE hook (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    delivered INTEGER,                          -- the last one, in microseconds since 1970
    failed    INTEGER,
    error     TEXT NOT NULL DEFAULT '',
    stopped   INTEGER                           -- since then nothing is sent: the receiver answered with 410
);
