-- The caller of an erasure, for boxes that know him under another key of the company than the box that asks: his number,
-- encrypted with each key that it has, which no database ever sees. NULL from a box of an earlier informativa.
ALTER TABLE {schema}.erasure ADD COLUMN sealed bytea[];
