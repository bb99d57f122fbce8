-- A record that goes takes with it what its caller knew by it, so that no look-up need ask whether it is still there.
-- 1: what a row rests on may be of another pseudonym, as after a change of the key; there a look-up does ask. So it is
-- for rows from before, until their next delivery, and for those of a process that does not know the column.
ALTER TABLE standing ADD COLUMN moved INTEGER NOT NULL DEFAULT 1;
CREATE TRIGGER standing_moved AFTER UPDATE OF record ON standing WHEN NOT new.moved AND NOT EXISTS (
    SELECT 1 FROM event WHERE event.record = new.record AND event.pseudonym = new.pseudonym
)
BEGIN
    UPDATE standing SET moved = 1
    WHERE pseudonym = new.pseudonym AND notice = new.notice AND version = new.version;
END;
CREATE TRIGGER event_gone AFTER DELETE ON event WHEN old.pseudonym IS NOT NULL AND old.status <> 'NOTDUE'
BEGIN
    DELETE FROM standing
    WHERE pseudonym = old.pseudonym AND notice = old.notice AND version = old.version AND record = old.record;
END;
