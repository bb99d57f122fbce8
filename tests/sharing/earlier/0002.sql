-- What an auditor needs, so that each box can prove the records of all. A box of an earlier informativa leaves it
-- NULL, and goes on. `what` is not here: it follows from the record and its salt, and the tree says whether it holds.
ALTER TABLE {schema}.record
    ADD COLUMN leaf      bigint,    -- which of its ledger's, counted through all logs of that
    ADD COLUMN who       bytea,     -- the commitment, which stays when what opens it is erased
    ADD COLUMN salt_what bytea,
    ADD COLUMN salt_who  bytea,     -- NULL: erased
    ADD COLUMN binding   bytea,     -- to the caller's number, under this salt
    ADD COLUMN migrated  smallint;  -- 1: the record is from before there was a log

-- What a box of an earlier informativa erased without knowing that there are salts. It is empty but for moments.
CREATE INDEX record_unclosed ON {schema}.record (box)
    WHERE erased = 1 AND (salt_who IS NOT NULL OR binding IS NOT NULL);

ALTER TABLE {schema}.box ADD COLUMN proven bigint NOT NULL DEFAULT 0;  -- all leaves before this one are here

-- The logs of each box. They lead to nobody, and stay.
CREATE TABLE {schema}.log (
    box    text    NOT NULL,
    epoch  integer NOT NULL,
    origin text    NOT NULL,
    first  bigint  NOT NULL,  -- the leaf that is its leaf 0
    key    text    NOT NULL,  -- the public one; an auditor has it from elsewhere
    PRIMARY KEY (box, epoch)
);
CREATE TABLE {schema}.checkpoint (
    box   text    NOT NULL,
    epoch integer NOT NULL,
    size  bigint  NOT NULL,
    note  text    NOT NULL,   -- as it was signed, and cosigned
    PRIMARY KEY (box, epoch, size)
);
-- The hashes of its tree (C2SP tlog-tiles), the last one of a level as far as it goes.
CREATE TABLE {schema}.tile (
    box    text     NOT NULL,
    epoch  integer  NOT NULL,
    level  smallint NOT NULL,
    number bigint   NOT NULL,
    hashes bytea    NOT NULL,
    PRIMARY KEY (box, epoch, level, number)
);
