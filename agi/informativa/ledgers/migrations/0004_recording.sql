-- Which sound file a version of a notice was first served with, so that a record never points at a text
-- that nobody heard. A changed recording needs a new version.
CREATE TABLE recording (
    notice     TEXT NOT NULL,
    version    TEXT NOT NULL,
    part       TEXT NOT NULL,               -- short, full, or supplement:VERSION
    language   TEXT NOT NULL,
    format     TEXT NOT NULL,               -- the file's extension
    sha256     TEXT NOT NULL,
    PRIMARY KEY (notice, version, part, language, format)
) WITHOUT ROWID;
