-- The caller of the request, encrypted with each key of the company that this box has, in hexadecimal, apart by blanks:
-- for boxes that know him under another key.
ALTER TABLE erasure_request ADD COLUMN sealed TEXT NOT NULL DEFAULT '';
