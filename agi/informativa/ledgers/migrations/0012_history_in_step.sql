-- A record that goes takes with it what its caller knew by it, so that no look-up need ask whether it is still there.
-- 1: what a row rests on is of another pseudonym, as after a change of the key; there a look-up does ask.
ALTER TABLE standing ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
UPDATE standing SET moved = 1 WHERE NOT EXISTS (
    SELECT 1 FROM event WHERE event.record = standing.record AND event.pseudonym = standing.pseudonym
    AND event.notice = standing.notice AND event.version = standing.version
);
CREATE TRIGGER event_gone AFTER DELETE ON event WHEN old.pseudonym IS NOT NULL AND old.status <> 'NOTDUE'
BEGIN
    DELETE FROM standing
    WHERE pseudonym = old.pseudonym AND notice = old.notice AND version = old.version AND record = old.record;
END;
