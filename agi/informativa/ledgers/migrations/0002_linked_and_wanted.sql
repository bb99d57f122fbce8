-- The id that all channels of one conversation share, so that a transfer does not play a notice again.
ALTER TABLE event ADD COLUMN linked TEXT NOT NULL DEFAULT '';
-- The language that should have been played, where another one was.
ALTER TABLE event ADD COLUMN wanted TEXT NOT NULL DEFAULT '';
