-- How many records of calls there are, kept in step by the transaction that appends, so that nobody need count them. By
-- the hour, in which every zone's day begins, or half of it. A purge and an erasure leave it as it is: how many calls
-- an hour had leads to nobody. A row without notice and status counts calls: each once, in the hour and on the line of
-- its first record.
CREATE TABLE tally (
    hour       INTEGER NOT NULL,               -- since 1970, UTC, in which it happened
    line       TEXT    NOT NULL,
    notice     TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (hour, line, notice, version, language, status)
) WITHOUT ROWID;
-- By which a call's first record is told from its others. Ids of calls grow, so it grows at its end.
CREATE INDEX event_call ON event (call) WHERE call <> '' AND kind IN ('phone', 'operator');

INSERT INTO tally
SELECT at / 3600000000, line, notice, version, language, status, count(*)
FROM event WHERE call <> '' AND kind IN ('phone', 'operator') GROUP BY 1, 2, 3, 4, 5, 6;
-- With min() SQLite takes the other columns from the row that has the minimum.
INSERT INTO tally
SELECT at / 3600000000, line, '', '', '', '', count(*) FROM (
    SELECT min(record), at, line FROM event WHERE call <> '' AND kind IN ('phone', 'operator') GROUP BY call
) GROUP BY 1, 2;

CREATE TRIGGER event_tally AFTER INSERT ON event WHEN new.call <> '' AND new.kind IN ('phone', 'operator')
BEGIN
    INSERT INTO tally
    VALUES (new.at / 3600000000, new.line, new.notice, new.version, new.language, new.status, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
    INSERT INTO tally
    SELECT new.at / 3600000000, new.line, '', '', '', '', 1
    WHERE NOT EXISTS (
        SELECT 1 FROM event
        WHERE call = new.call AND call <> '' AND kind IN ('phone', 'operator') AND record <> new.record
    )
    ON CONFLICT DO UPDATE SET count = count + 1;
END;

-- How many callers `standing` knows.
CREATE TABLE known (callers INTEGER NOT NULL);
INSERT INTO known SELECT count(*) FROM (SELECT DISTINCT pseudonym FROM standing);
CREATE TRIGGER standing_known AFTER INSERT ON standing WHEN NOT EXISTS (
    SELECT 1 FROM standing
    WHERE pseudonym = new.pseudonym AND (notice, version) <> (new.notice, new.version)
)
BEGIN
    UPDATE known SET callers = callers + 1;
END;
CREATE TRIGGER standing_forgotten AFTER DELETE ON standing WHEN NOT EXISTS (
    SELECT 1 FROM standing WHERE pseudonym = old.pseudonym
)
BEGIN
    UPDATE known SET callers = callers - 1;
END;
