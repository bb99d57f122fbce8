-- The shared database says which boxes are retired, and the next upgrade reads it again.
DROP TABLE retired_box;
