-- One set of tables for all companies and all boxes, with forced row security: a box's login reads and writes what
-- belongs to companies that it serves, and adds rows as itself alone. No sequence and no clock of the database decides
-- anything: boxes count their records, and each box's come in order.

-- The companies. Their numbers are this database's own.
CREATE TABLE informativa.company (
    company    integer PRIMARY KEY,
    controller text    UNIQUE                      -- NULL: dropped; its number is never another's
);
-- Which login sees which companies. Whoever administers the database writes it (shared migrate, shared serve).
CREATE TABLE informativa.serves (
    login   text    NOT NULL,
    company integer NOT NULL,
    PRIMARY KEY (login, company)
);
CREATE INDEX serves_company ON informativa.serves (company);
-- Each PBX that ever took part.
CREATE TABLE informativa.box (
    box     text        PRIMARY KEY,
    seen    timestamptz NOT NULL DEFAULT now(),
    program text        NOT NULL DEFAULT '',       -- the version of informativa
    epoch   bigint      NOT NULL DEFAULT 0,        -- random, and another where batches did not follow each other
    batch   bigint      NOT NULL DEFAULT 0,        -- counts the transactions by which it sent something
    ahead   double precision                       -- the seconds by which its clock is ahead of this server's
) WITH (fillfactor = 20);
-- The ledger of one company on one box.
CREATE TABLE informativa.ledger (
    company       integer NOT NULL,
    box           text    NOT NULL,
    identity      bytea   NOT NULL,                -- drawn once: two machines with one name are told apart
    record        bigint  NOT NULL DEFAULT 0,      -- up to which of its records they are here
    newest        bigint  NOT NULL DEFAULT 0,      -- its newest record when it last said so
    erasures      bigint  NOT NULL DEFAULT 0,      -- up to which of them there were; it sends nothing before it knows
    applied       bigint  NOT NULL DEFAULT 0,      -- up to which of them it erased
    proven        bigint  NOT NULL DEFAULT 0,      -- all its leaves before this one are here
    answered      bigint  NOT NULL DEFAULT 0,      -- up to which of its records all answers are here
    batch         bigint  NOT NULL DEFAULT 0,      -- of its box, which last moved `record` or `answered`
    keys          text    NOT NULL DEFAULT '',     -- fingerprints of the company's keys, never a key
    configuration text    NOT NULL DEFAULT '',     -- a digest of what decides about the company's callers
    retired       timestamptz,                     -- it left for good
    successor     text,                            -- the box that took its place, and goes on after `record`
    PRIMARY KEY (company, box)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX ledger_box ON informativa.ledger (box, company);
CREATE INDEX ledger_to_erase ON informativa.ledger (box, company) WHERE applied < erasures;

-- Their records, as they stand in their ledgers, with what an auditor needs, so that each box can prove those of all.
CREATE TABLE informativa.record (
    company      integer          NOT NULL,
    box          text             NOT NULL,
    informs      smallint         NOT NULL,        -- 1: its caller has this version now
    due          smallint         NOT NULL DEFAULT 0, -- 1: to be erased once its box may; 2: and another box has done it
    record       bigint           NOT NULL,
    at           bigint           NOT NULL,        -- microseconds since 1970, UTC
    call         text             NOT NULL,
    line         text             NOT NULL,
    pseudonym    bytea,
    notice       text             NOT NULL,
    version      text             NOT NULL,
    language     text             NOT NULL,
    purposes     text             NOT NULL,
    status       text             NOT NULL,
    reason       text             NOT NULL,
    prompt       text             NOT NULL,
    ending       text,
    heard        double precision,
    length       double precision,
    key          text,
    basis        bigint,
    linked       text             NOT NULL,
    wanted       text             NOT NULL,
    kind         text             NOT NULL,
    reference    text             NOT NULL,
    erased       smallint         NOT NULL,
    recorded     bigint,
    vouched      text,
    recording    text             NOT NULL,
    supplement   smallint         NOT NULL,
    counts       smallint         NOT NULL,
    rate         integer,
    earlier      bytea,
    elsewhere    text,
    leaf         bigint,                           -- which of its ledger's, counted through all logs of that
    who          bytea,                            -- the commitment, which stays when what opens it is erased
    salt_what    bytea,
    salt_who     bytea,                            -- NULL: erased
    binding      bytea,                            -- to the caller's number, under this salt
    opening      bytea,                            -- what identifies the key that opens it
    leaf_version smallint,                         -- NULL: 1
    migrated     smallint,                         -- 1: the record is from before there was a log
    asked        text,                             -- what the caller answered, as the ledger stores it
    rank         bigint,                           -- of an answer that is remembered of its caller: its place
    withdrawal   bigint,                           -- the rank of the last withdrawal that its box knew; 0 for none
    sealed_list  bytea,                            -- of a note: the leaves of its erasure, encrypted for the company's boxes
    PRIMARY KEY (company, box, record)             -- begins with the company: no violation tells of another's row
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02,
        autovacuum_vacuum_insert_scale_factor = 0.05);
-- For a caller who seems not informed, and for one whose consent is to count, or who is to be asked.
CREATE INDEX record_informs ON informativa.record (company, pseudonym) WHERE informs = 1;
CREATE INDEX record_answers ON informativa.record (company, pseudonym) WHERE rank IS NOT NULL;
-- For whoever asks what is on record of him, and for his erasure.
CREATE INDEX record_pseudonym ON informativa.record (company, pseudonym) WHERE pseudonym IS NOT NULL;
CREATE INDEX record_earlier ON informativa.record (company, earlier) WHERE earlier IS NOT NULL;
-- What an erasure left open. It is empty but for moments.
CREATE INDEX record_unclosed ON informativa.record (company, box)
    WHERE erased = 1 AND (salt_who IS NOT NULL OR binding IS NOT NULL OR opening IS NOT NULL);
-- What waits for an approval of its erasure. It is mostly empty.
CREATE INDEX record_due ON informativa.record (company, box) WHERE due > 0;
-- For the last records of all boxes, those of a line, and those with a result that is rare. Within one microsecond
-- they are sorted.
CREATE INDEX record_at ON informativa.record (company, at);
CREATE INDEX record_line ON informativa.record (company, line, at);
CREATE INDEX record_rare ON informativa.record (company, status, at) WHERE status NOT IN ('PLAYED', 'NOTDUE');

-- Callers to be erased on all boxes; gone as soon as each has done it. `sealed`: the number, encrypted with each key
-- of the company that the box has which asks, for boxes that know the caller under another one.
CREATE TABLE informativa.erasure (
    company    integer NOT NULL,
    erasure    bigint  NOT NULL,
    pseudonyms bytea[] NOT NULL,
    sealed     bytea[],
    PRIMARY KEY (company, erasure)
);
-- The logs of each box. They lead to nobody, and stay.
CREATE TABLE informativa.log (
    company integer NOT NULL,
    box     text    NOT NULL,
    epoch   integer NOT NULL,
    origin  text    NOT NULL,
    first   bigint  NOT NULL,                      -- the leaf that is its leaf 0
    key     text    NOT NULL,                      -- the public one; an auditor has it from elsewhere
    PRIMARY KEY (company, box, epoch)
);
CREATE TABLE informativa.checkpoint (
    company integer NOT NULL,
    box     text    NOT NULL,
    epoch   integer NOT NULL,
    size    bigint  NOT NULL,
    note    text    NOT NULL,                      -- as it was signed, and cosigned
    PRIMARY KEY (company, box, epoch, size)
);
-- The hashes of its tree (C2SP tlog-tiles), the last one of a level as far as it goes.
CREATE TABLE informativa.tile (
    company integer  NOT NULL,
    box     text     NOT NULL,
    epoch   integer  NOT NULL,
    level   smallint NOT NULL,
    number  bigint   NOT NULL,
    hashes  bytea    NOT NULL,
    PRIMARY KEY (company, box, epoch, level, number)
);

-- Row security. EXISTS by the primary key of serves, for each row that an index found. It binds the owner, too.
ALTER TABLE informativa.serves ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE informativa.company ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE informativa.box ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON informativa.serves FOR SELECT TO informativa_boxes USING (login = session_user::text COLLATE "default");
CREATE POLICY served ON informativa.company FOR SELECT TO informativa_boxes USING (EXISTS (
    SELECT FROM informativa.serves AS s WHERE s.login = session_user::text COLLATE "default" AND s.company = company.company OFFSET 0));
CREATE POLICY met ON informativa.box FOR SELECT TO informativa_boxes USING ({this_box} OR EXISTS (
    SELECT FROM informativa.ledger AS l WHERE l.box = box.box));
CREATE POLICY added ON informativa.box FOR INSERT TO informativa_boxes WITH CHECK ({this_box});
CREATE POLICY own ON informativa.box FOR UPDATE TO informativa_boxes USING ({this_box});
CREATE POLICY administered ON informativa.serves TO informativa_owner USING (true);
CREATE POLICY administered ON informativa.company TO informativa_owner USING (true);
CREATE POLICY administered ON informativa.box TO informativa_owner USING (true);
CREATE POLICY administered ON informativa.ledger FOR SELECT TO informativa_owner USING (true);

-- The only ways to delete anything: whoever may DELETE from a table may also lock it for all companies. Records go by
-- their own box, or by any that serves the company where theirs was retired.
CREATE FUNCTION informativa.purge(integer, text, bigint, bigint, bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    WITH purged AS (
        DELETE FROM informativa.record WHERE company = $1 AND box = $2 AND record BETWEEN $3 AND $4 AND at < $5
        AND {deletable} AND ({this_box} OR EXISTS (SELECT FROM informativa.ledger AS l
            WHERE l.company = $1 AND l.box = $2 AND l.retired IS NOT NULL))
        RETURNING 1
    ) SELECT count(*) FROM purged
$$;
CREATE FUNCTION informativa.purge(integer, bigint[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    WITH purged AS (
        DELETE FROM informativa.record WHERE company = $1 AND {this_box} AND record = ANY ($2) AND {deletable}
        RETURNING 1
    ) SELECT count(*) FROM purged
$$;
-- The boxes that serve a company and never took part: a box sees of `serves` what is its own. Each may have callers on
-- record, from before.
CREATE FUNCTION informativa.awaited(integer) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT substr(s.login, length({prefix}) + 1) FROM informativa.serves AS s
    WHERE s.company = $1 AND starts_with(s.login, {prefix})
    AND NOT EXISTS (SELECT FROM informativa.ledger AS l WHERE l.company = $1 AND s.login = {prefix} || l.box)
    AND EXISTS (SELECT FROM informativa.serves AS own
        WHERE own.login = session_user::text COLLATE "default" AND own.company = $1)
    ORDER BY 1
$$;
-- Such a box left for good: it serves the company no more.
CREATE FUNCTION informativa.withdraw(integer, text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    WITH withdrawn AS (
        DELETE FROM informativa.serves WHERE company = $1 AND login = {prefix} || $2
        AND $2 IN (SELECT informativa.awaited($1))
        RETURNING 1
    ) SELECT count(*) FROM withdrawn
$$;
-- Erasures that all boxes of the company applied, none of which is awaited.
CREATE FUNCTION informativa.forget_erasures(integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    WITH forgotten AS (
        DELETE FROM informativa.erasure WHERE company = $1 AND erasure <= (
            SELECT min(applied) FROM informativa.ledger WHERE company = $1 AND retired IS NULL)
        AND NOT EXISTS (SELECT FROM informativa.awaited($1))
        RETURNING 1
    ) SELECT count(*) FROM forgotten
$$;

-- Held to the end of its transaction by whoever orders an erasure, or takes part for the first time: so neither misses
-- the other.
CREATE FUNCTION informativa.lock_company(integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    SELECT FROM informativa.company AS c WHERE c.company = $1 AND EXISTS (SELECT FROM informativa.serves AS s
        WHERE s.login = session_user::text COLLATE "default" AND s.company = c.company) FOR UPDATE OF c
$$;

-- Rights. No foreign keys, which look past row security; no TRUNCATE, REFERENCES, TRIGGER, DELETE; UPDATE by column.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA informativa FROM PUBLIC;
GRANT USAGE ON SCHEMA informativa TO informativa_boxes;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA informativa TO informativa_boxes;
GRANT SELECT ON ALL TABLES IN SCHEMA informativa TO informativa_boxes;
GRANT INSERT ON informativa.box, informativa.ledger, informativa.record, informativa.erasure, informativa.log,
    informativa.checkpoint, informativa.tile TO informativa_boxes;
GRANT UPDATE (seen, program, epoch, batch, ahead) ON informativa.box TO informativa_boxes;
GRANT UPDATE (record, newest, erasures, applied, proven, answered, batch, keys, configuration, retired,
    successor)
    ON informativa.ledger TO informativa_boxes;
GRANT UPDATE (informs, due, at, call, pseudonym, key, basis, linked, reference, erased, recorded, earlier, elsewhere,
    leaf, who, salt_what, salt_who, binding, opening, leaf_version, migrated, asked, rank, withdrawal, sealed_list)
    ON informativa.record TO informativa_boxes;
GRANT UPDATE (note) ON informativa.checkpoint TO informativa_boxes;
GRANT UPDATE (hashes) ON informativa.tile TO informativa_boxes;
