"""Results as lines and tables for a terminal, in the language that each call is given."""
