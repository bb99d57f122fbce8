-- What other boxes know of answers: for the order of answers among boxes, the rank of the last withdrawal that the box
-- knew before this answer, or of this one (model/choices.py: placed). 0 for none.
ALTER TABLE answer ADD COLUMN withdrawal INTEGER NOT NULL DEFAULT 0;
UPDATE answer SET withdrawal = rank WHERE word = 'withdrawn';
-- Up to which of its records the answers of each other box were taken in.
ALTER TABLE box ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
