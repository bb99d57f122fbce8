-- Up to where other boxes' answers were taken in. Without it they are all taken in anew after the next upgrade.
ALTER TABLE box DROP COLUMN answers;
-- Of use among boxes only, and derived: a migration sets it from the rank again.
ALTER TABLE answer DROP COLUMN withdrawal;
