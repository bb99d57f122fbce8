"""Operations: everything that a person can do or ask. They take values and return frozen results; they print
nothing."""
