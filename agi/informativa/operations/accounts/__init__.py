"""Accounts of the console: their file, passwords, one-time codes, and what can be done with them."""
