"""The command line, and the entry point of the classic AGI script."""
