-- Empty, or the reversal is refused.
ALTER TABLE erasure_request DROP COLUMN sealed;
