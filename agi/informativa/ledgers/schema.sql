-- One row for each decision and what became of it. Numbers are never used again: the newest record is never deleted (a
-- purge puts the record of itself after what it deletes), and the leaves have all numbers besides. No caller's number:
-- `pseudonym` is its HMAC-SHA256 under the controller's key, NULL where the caller was not recognised.
CREATE TABLE event (
    record     INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,               -- when it happened, in microseconds since 1970, UTC
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
    heard      REAL,                           -- samples of the prompt that the caller heard
    length     REAL,                           -- samples that the prompt lasts
    key        TEXT,                           -- the key that stopped it, '' if none
    basis      INTEGER REFERENCES event (record),  -- the record that shows what the caller had already
    linked     TEXT    NOT NULL DEFAULT '',    -- the id that all channels of one conversation share, so that a
                                               -- transfer does not play a notice again
    wanted     TEXT    NOT NULL DEFAULT '',    -- the language that should have been played, where another one was
    kind       TEXT    NOT NULL DEFAULT 'phone',  -- how the caller got the notice (phone, operator, website, contract);
                                               -- `erasure` and `purge`: that records were erased or deleted
    reference  TEXT    NOT NULL DEFAULT '',    -- what shows it where that is not this ledger; the text of a note
    erased     INTEGER NOT NULL DEFAULT 0,     -- 1: the caller asked to be erased; what could lead to him is gone
    recorded   INTEGER,                        -- when it was put on record, in microseconds since 1970
    vouched    TEXT,                           -- who said that the number is the caller's: nobody, network, signature,
                                               -- dialplan; NULL where that is not known
    recording  TEXT    NOT NULL DEFAULT '',    -- SHA-256, in hexadecimal, of the sound that was played
    supplement INTEGER NOT NULL DEFAULT 0,     -- 1: only what is new was told, to somebody who knew the rest
    counts     INTEGER NOT NULL DEFAULT 1,     -- 0: it informs nobody by a setting of the line, although it was heard
    rate       INTEGER,                        -- hertz, of `heard` and `length`; NULL where nothing was played
    earlier    BLOB    CHECK (length(earlier) = 32),  -- the pseudonym by an earlier key whose `standing` moved with
                                               -- this record to the record's own pseudonym
    asked      TEXT                            -- what a caller answered to a choice, as `rows.asked_text` writes it;
                                               -- NULL for a record of a notice
);
-- What was told elsewhere is found again by what it says. Calls have no reference, so this index costs them nothing.
CREATE INDEX event_reference ON event (at, pseudonym) WHERE reference <> '';
CREATE INDEX event_earlier ON event (earlier) WHERE earlier IS NOT NULL;
-- By which a call's first record is told from its others. Ids of calls grow, so it grows at its end.
CREATE INDEX event_call ON event (call) WHERE call <> '' AND kind IN ('phone', 'operator');

-- What each caller was told in full, one row a version, so that deleting a record takes exactly what it proved. Derived
-- from `event`: it can be dropped and rebuilt. WITHOUT ROWID: half the space and three quarters of the look-up time at
-- any number of callers.
CREATE TABLE standing (
    pseudonym  BLOB    NOT NULL,
    notice     TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    purposes   TEXT    NOT NULL,               -- that this version told of, separated by spaces
    record     INTEGER NOT NULL,               -- the latest delivery of this version
    at         INTEGER NOT NULL,
    whole      INTEGER,                        -- when it was last told as a whole; NULL: only by a supplement
    seen       INTEGER,                        -- when the caller last called, where that is asked for
    moved      INTEGER NOT NULL DEFAULT 1,     -- 1: `record` may be of another pseudonym, as after a change of the key;
                                               -- there a look-up asks whether it is still there
    PRIMARY KEY (pseudonym, notice, version)
) WITHOUT ROWID;
CREATE TRIGGER standing_moved AFTER UPDATE OF record ON standing WHEN NOT new.moved AND NOT EXISTS (
    SELECT 1 FROM event WHERE event.record = new.record AND event.pseudonym = new.pseudonym
)
BEGIN
    UPDATE standing SET moved = 1
    WHERE pseudonym = new.pseudonym AND notice = new.notice AND version = new.version;
END;
-- A record that goes takes with it what its caller knew by it, so that no look-up need ask whether it is still there.
CREATE TRIGGER event_gone AFTER DELETE ON event WHEN old.pseudonym IS NOT NULL AND old.status <> 'NOTDUE'
BEGIN
    DELETE FROM standing
    WHERE pseudonym = old.pseudonym AND notice = old.notice AND version = old.version AND record = old.record;
END;

-- How many callers `standing` knows.
CREATE TABLE known (callers INTEGER NOT NULL);
INSERT INTO known VALUES (0);
CREATE TRIGGER standing_known AFTER INSERT ON standing WHEN NOT EXISTS (
    SELECT 1 FROM standing
    WHERE pseudonym = new.pseudonym AND (notice, version) <> (new.notice, new.version)
)
BEGIN
    UPDATE known SET callers = callers + 1;
END;
CREATE TRIGGER standing_forgotten AFTER DELETE ON standing WHEN NOT EXISTS (
    SELECT 1 FROM standing WHERE pseudonym = old.pseudonym
)
BEGIN
    UPDATE known SET callers = callers - 1;
END;

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
    rank       INTEGER NOT NULL,               -- `at`, ten minutes later for what does not grant: the greatest counts
    withdrawal INTEGER NOT NULL DEFAULT 0,     -- the rank of the last withdrawal that was known before this answer, or of
                                               -- this one (model/choices.py: placed); 0 for none
    PRIMARY KEY (pseudonym, choice, act)
) WITHOUT ROWID;

-- How many records of calls there are, kept in step by the transaction that appends, so that nobody need count them. By
-- the hour, in which every zone's day begins, or half of it. A purge and an erasure leave it as it is: how many calls
-- an hour had leads to nobody. A row without notice and status counts calls: each once, in the hour and on the line of
-- its first record.
CREATE TABLE tally (
    hour       INTEGER NOT NULL,               -- since 1970, UTC, in which it happened
    line       TEXT    NOT NULL,
    notice     TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (hour, line, notice, version, language, status)
) WITHOUT ROWID;
CREATE TRIGGER event_tally AFTER INSERT ON event WHEN new.call <> '' AND new.kind IN ('phone', 'operator')
BEGIN
    INSERT INTO tally
    VALUES (new.at / 3600000000, new.line, new.notice, new.version, new.language, new.status, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
    INSERT INTO tally
    SELECT new.at / 3600000000, new.line, '', '', '', '', 1
    WHERE NOT EXISTS (
        SELECT 1 FROM event
        WHERE call = new.call AND call <> '' AND kind IN ('phone', 'operator') AND record <> new.record
    )
    ON CONFLICT DO UPDATE SET count = count + 1;
END;

-- Which sound file a version of a notice was first served with, so that a record never points at a text that nobody
-- heard. A changed recording needs a new version.
CREATE TABLE recording (
    notice     TEXT NOT NULL,
    version    TEXT NOT NULL,
    part       TEXT NOT NULL,                  -- short, full, or supplement:VERSION
    language   TEXT NOT NULL,
    format     TEXT NOT NULL,                  -- the file's extension
    sha256     TEXT NOT NULL,
    PRIMARY KEY (notice, version, part, language, format)
) WITHOUT ROWID;

-- Whose this ledger is: the company's name in the configuration, and the fingerprint of the newest key under which its
-- callers are known. One row, from the first time on that a configuration names the file.
CREATE TABLE owner (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    controller TEXT NOT NULL,
    key        TEXT NOT NULL
);

-- The log of which each record is a leaf. A new one begins with a new signing key, or after a ledger was lost.
CREATE TABLE log (
    epoch      INTEGER PRIMARY KEY,            -- 1, 2, …
    origin     TEXT    NOT NULL UNIQUE,        -- its name in every checkpoint
    first      INTEGER NOT NULL                -- the `leaf` that is its leaf 0
);

-- What each record committed to when it was written (evidence/commitment.py). Neither updated nor deleted but for the
-- salts, without which a commitment can be opened no more: what is purged or erased loses them. A leaf can be a note
-- (evidence/notes.py): it commits to nothing, for its entry is the text in its record's `reference`.
CREATE TABLE leaf (
    leaf       INTEGER PRIMARY KEY,            -- without gaps, never given again
    record     INTEGER NOT NULL,
    what       BLOB    CHECK (length(what) = 32),       -- NULL: a note
    who        BLOB    CHECK (length(who) = 32),        -- NULL: a note
    salt_what  BLOB    CHECK (length(salt_what) = 16),  -- NULL: purged
    salt_who   BLOB    CHECK (length(salt_who) = 16),   -- NULL: purged or erased
    binding    BLOB    CHECK (length(binding) = 32),    -- to the caller's number; NULL where nobody knew it
    opening    BLOB    CHECK (length(opening) = 32)     -- identifies the key that opens `binding`; NULL without one
);
-- Leaves from 0, records from 1: where they are counted alike, as in every ledger that began with a log, a record's
-- leaf is found by its number, and no call pays for the page of an index.
CREATE UNIQUE INDEX leaf_record ON leaf (record) WHERE record <> leaf + 1;
CREATE INDEX leaf_note ON leaf (leaf) WHERE what IS NULL;

-- The last signed tree of each log, which a deleted or older folder of the log contradicts.
CREATE TABLE signed (
    epoch      INTEGER PRIMARY KEY,
    key        TEXT    NOT NULL,               -- by which it was signed, as a vkey
    size       INTEGER NOT NULL,
    root       BLOB    NOT NULL CHECK (length(root) = 32)
);

-- The newest record of each kind that counts others. No index, of which each call would pay: an audit reads all records.
CREATE TABLE newest (
    kind       TEXT    PRIMARY KEY,            -- totals, access
    record     INTEGER NOT NULL
);

-- Messages about consents that a company's hook has not taken yet (outbox.py). A row is deleted once it is delivered, and
-- with its record. It has no number of a caller: `subject` is a keyed hash, or the company's own customer id.
CREATE TABLE outbox (
    record     INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL,               -- from the leaf: the same in every backup, and however often it is sent
    subject    TEXT    NOT NULL,
    bulk       INTEGER NOT NULL CHECK (bulk IN (0, 1)),  -- 1: waits for those with 0
    word       TEXT    NOT NULL,               -- granted, refused, withdrawn
    choice     TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    at         INTEGER NOT NULL,               -- microseconds since 1970
    recorded   INTEGER NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    due        INTEGER NOT NULL DEFAULT 0,     -- not to be sent before
    refused    INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1)),
    error      TEXT    NOT NULL DEFAULT ''     -- of the last try: the status of the answer, or why there was none
);
CREATE INDEX outbox_subject ON outbox (subject, record);
CREATE INDEX outbox_next ON outbox (bulk, tries, record);

-- What became of the last messages; no row before the first one.
CREATE TABLE hook (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    delivered  INTEGER,                        -- the last one, in microseconds since 1970
    failed     INTEGER,
    error      TEXT    NOT NULL DEFAULT '',
    stopped    INTEGER                         -- since then nothing is sent: the receiver answered with 410
);

-- Requests of persons (GDPR 15 to 22), and the steps by which each was answered (requests.py). No number of a caller: the
-- pseudonym goes with the caller's erasure, and when the request is closed. What remains leads to nobody.
CREATE TABLE request (
    request    INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL,               -- access, erasure, objection, portability, proof
    received   TEXT    NOT NULL,               -- the day, as 2026-01-31
    pseudonym  BLOB
);
CREATE TABLE request_step (
    step       INTEGER PRIMARY KEY,
    request    INTEGER NOT NULL REFERENCES request,
    at         INTEGER NOT NULL,               -- microseconds since 1970
    account    TEXT    NOT NULL,               -- of the console, or shell: and the login name
    move       TEXT    NOT NULL,
    word       TEXT    NOT NULL DEFAULT '',    -- how identified, to whom assigned, why extended, language, outcome
    digest     TEXT    NOT NULL DEFAULT '',    -- SHA-256 of what was made for the person
    record     INTEGER,                        -- that notes the erasure
    entry      INTEGER                         -- of the access log, which says the same
);
CREATE INDEX request_steps ON request_step (request, step);

-- Since when the number of a caller who knew a notice is somebody else's; the notice '' stands for all.
CREATE TABLE number_use (
    pseudonym  BLOB    NOT NULL,
    notice     TEXT    NOT NULL,
    recycled   INTEGER NOT NULL,               -- microseconds since 1970
    PRIMARY KEY (pseudonym, notice)
) WITHOUT ROWID;
