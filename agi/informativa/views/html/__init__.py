"""Pages for people, each one file that needs no other."""
