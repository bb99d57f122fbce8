-- From where on leaves are of version 2, of which there are none, or the reversal is refused.
ALTER TABLE log DROP COLUMN v2_from;
-- Empty in all leaves of version 1.
ALTER TABLE leaf DROP COLUMN opening;
-- The folder of each log has its last signed tree, too.
DROP TABLE signed;
