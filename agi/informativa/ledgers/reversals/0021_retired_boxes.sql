-- The shared database says which boxes are retired, and the next upgrade reads it again.
DROP TABLE retired_box;
-- An earlier program goes by the name alone: what it takes in twice it has once.
ALTER TABLE box RENAME TO box_by_identity;
CREATE TABLE box (
    name       TEXT    PRIMARY KEY,
    record     INTEGER NOT NULL,
    answers    INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO box (name, record, answers) SELECT name, min(record), min(answers) FROM box_by_identity GROUP BY name;
DROP TABLE box_by_identity;
ALTER TABLE erasure_request DROP COLUMN places;
-- An earlier program asks for neither.
DROP TABLE lost_tail;
DROP TABLE erased_record;
