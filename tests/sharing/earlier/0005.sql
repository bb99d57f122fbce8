-- What callers answered to choices. A box of an earlier informativa leaves it NULL, and goes on.
ALTER TABLE {schema}.record
    ADD COLUMN asked      text,    -- as the ledger stores it
    ADD COLUMN rank       bigint,  -- of an answer that is remembered of its caller: its place among others
    ADD COLUMN withdrawal bigint;  -- and the rank of the last withdrawal that its box knew then; 0 for none

-- For a caller whose consent is to count, or who is to be asked.
CREATE INDEX record_answers ON {schema}.record (pseudonym) WHERE rank IS NOT NULL;

ALTER TABLE {schema}.box ADD COLUMN answered bigint NOT NULL DEFAULT 0;  -- up to which of its records all answers are here
