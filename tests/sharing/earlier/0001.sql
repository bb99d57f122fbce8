-- One schema for each company, and one role that has rights on it alone. No sequence and no clock of the database
-- decides anything: boxes count their records, and each box's come in order. Nothing here needs more of an engine
-- than rows, indexes on part of a table, and transactions that read what is committed, so that CockroachDB and
-- YugabyteDB can keep it too: no triggers, no functions, no LISTEN, no advisory locks.

-- Each PBX that ever took part.
CREATE TABLE {schema}.box (
    name          text        PRIMARY KEY,
    identity      bytea       NOT NULL,            -- of its ledger: two machines with one name are told apart
    record        bigint      NOT NULL DEFAULT 0,  -- up to which of its records they are here
    newest        bigint      NOT NULL DEFAULT 0,  -- its newest record when it last said so
    erasures      bigint      NOT NULL DEFAULT 0,  -- up to which of them there were; it sends nothing before it knows
    applied       bigint      NOT NULL DEFAULT 0,  -- up to which of them it erased
    seen          timestamptz NOT NULL DEFAULT now(),
    program       text        NOT NULL DEFAULT '', -- the version of informativa
    keys          text        NOT NULL DEFAULT '', -- fingerprints of the company's keys, never a key
    configuration text        NOT NULL DEFAULT '', -- a digest of what decides about the company's callers
    retired       timestamptz                      -- it left for good
);

-- Their records, as they stand in their ledgers. By months where the engine can, so that old ones go at once.
CREATE TABLE {schema}.record (
    box        text             NOT NULL,
    month      integer          NOT NULL,          -- 202611: in which it was put on record
    informs    smallint         NOT NULL,          -- 1: its caller has this version now
    record     bigint           NOT NULL,
    at         bigint           NOT NULL,          -- microseconds since 1970, UTC
    call       text             NOT NULL,
    line       text             NOT NULL,
    pseudonym  bytea,
    notice     text             NOT NULL,
    version    text             NOT NULL,
    language   text             NOT NULL,
    purposes   text             NOT NULL,
    status     text             NOT NULL,
    reason     text             NOT NULL,
    prompt     text             NOT NULL,
    ending     text,
    heard      double precision,
    length     double precision,
    key        text,
    basis      bigint,
    linked     text             NOT NULL,
    wanted     text             NOT NULL,
    kind       text             NOT NULL,
    reference  text             NOT NULL,
    erased     smallint         NOT NULL,
    recorded   bigint,
    vouched    text,
    recording  text             NOT NULL,
    supplement smallint         NOT NULL,
    counts     smallint         NOT NULL,
    rate       integer,
    earlier    bytea,
    elsewhere  text,
    PRIMARY KEY (box, record, month)
) {partitioned};

-- For a caller who seems not informed.
CREATE INDEX record_informs ON {schema}.record (pseudonym) WHERE informs = 1;
-- For whoever asks what is on record of him, and for his erasure.
CREATE INDEX record_pseudonym ON {schema}.record (pseudonym) WHERE pseudonym IS NOT NULL;
CREATE INDEX record_earlier ON {schema}.record (earlier) WHERE earlier IS NOT NULL;

-- Callers to be erased on all boxes; gone as soon as each has done it.
CREATE TABLE {schema}.erasure (
    erasure    bigint  PRIMARY KEY,
    pseudonyms bytea[] NOT NULL
);
