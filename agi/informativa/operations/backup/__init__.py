"""Backups of an installation: making, verifying and listing them, and putting one back."""
