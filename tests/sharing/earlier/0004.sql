-- A leaf of version 2 has besides what identifies the key that opens its binding. NULL as the version: 1.
ALTER TABLE {schema}.record
    ADD COLUMN opening bytea,
    ADD COLUMN leaf_version smallint;

-- As in 0002, with what is new.
DROP INDEX {schema}.record_unclosed;
CREATE INDEX record_unclosed ON {schema}.record (box)
    WHERE erased = 1 AND (salt_who IS NOT NULL OR binding IS NOT NULL OR opening IS NOT NULL);
