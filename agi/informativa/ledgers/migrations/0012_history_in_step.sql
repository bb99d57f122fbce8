-- A record that goes takes with it what its caller knew by it, so that no look-up need ask whether it is still there.
-- 1: what a row rests on is of another pseudonym, as after a change of the key; there a look-up does ask.
ALTER TABLE standing ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
-- In the order of the records, so that those are read from first to last (each LIMIT keeps SQLite from doing otherwise).
UPDATE standing SET moved = 1
FROM (
    SELECT rests.pseudonym AS of, rests.notice AS its_notice, rests.version AS its_version
    FROM (SELECT record, pseudonym, notice, version FROM standing ORDER BY record LIMIT -1) AS rests
    LEFT JOIN event ON event.record = rests.record AND event.pseudonym = rests.pseudonym
    AND event.notice = rests.notice AND event.version = rests.version
    WHERE event.record IS NULL LIMIT -1
)
WHERE pseudonym = of AND notice = its_notice AND version = its_version;
CREATE TRIGGER event_gone AFTER DELETE ON event WHEN old.pseudonym IS NOT NULL AND old.status <> 'NOTDUE'
BEGIN
    DELETE FROM standing
    WHERE pseudonym = old.pseudonym AND notice = old.notice AND version = old.version AND record = old.record;
END;
