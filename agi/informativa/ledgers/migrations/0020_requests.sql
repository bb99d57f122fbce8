-- Requests of persons (GDPR 15 to 22), and the steps by which each was answered (requests.py). No number of a caller: the
-- pseudonym goes with the caller's erasure, and when the request is closed. What remains leads to nobody.
CREATE TABLE request (
    request   INTEGER PRIMARY KEY,
    kind      TEXT    NOT NULL,                 -- access, erasure, objection, portability, proof
    received  TEXT    NOT NULL,                 -- the day, as 2026-01-31
    pseudonym BLOB
);
CREATE TABLE request_step (
    step      INTEGER PRIMARY KEY,
    request   INTEGER NOT NULL REFERENCES request,
    at        INTEGER NOT NULL,                 -- microseconds since 1970
    account   TEXT    NOT NULL,                 -- of the console, or shell: and the login name
    move      TEXT    NOT NULL,
    word      TEXT    NOT NULL DEFAULT '',      -- how identified, to whom assigned, why extended, language, outcome
    digest    TEXT    NOT NULL DEFAULT '',      -- SHA-256 of what was made for the person
    record    INTEGER,                          -- that notes the erasure
    entry     INTEGER                           -- of the access log, which says the same
);
CREATE INDEX request_steps ON request_step (request, step);
