-- Erasures that this box asked the others for, each until it has seen that all of them have done it: the database where
-- boxes meet may lose its last moment. This alone leads to an erased caller for so long; what he stood in is erased.
CREATE TABLE erasure_request (
    request    INTEGER PRIMARY KEY,  -- drawn: what is gone gives its number to no other
    erasure    INTEGER,              -- its number in the database; NULL: that is to be asked, or asked again
    held       INTEGER NOT NULL,     -- microseconds since 1970: until then the command that erased him asks
    pseudonyms TEXT NOT NULL         -- in hexadecimal, apart by blanks: the search for what an erasure left passes it over.
);                                   -- '': all have done it, and the file's free bytes may still hold them
