-- A leaf of version 2 has besides what identifies the key that opens its binding. NULL as the version: 1.
ALTER TABLE {schema}.record
    ADD COLUMN opening bytea,
    ADD COLUMN version smallint;
