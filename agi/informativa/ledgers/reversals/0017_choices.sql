-- Derived from records with an answer, of which there are none, or the reversal is refused.
DROP TABLE answer;
ALTER TABLE event DROP COLUMN asked;
