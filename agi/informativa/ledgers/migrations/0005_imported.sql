-- One digest a row that was imported, so that the same row of the same or another file adds nothing.
CREATE TABLE imported (
    digest     BLOB PRIMARY KEY                -- of pseudonym, notice, version, kind, reference and time
) WITHOUT ROWID;
