"""Results as text for terminals, in a reader's language: lines, and tables of rich."""
