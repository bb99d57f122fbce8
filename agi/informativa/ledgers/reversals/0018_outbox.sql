-- Empty, or the reversal is refused.
DROP TABLE outbox;
-- What became of the last message, for doctor and status; nothing rests on it.
DROP TABLE hook;
