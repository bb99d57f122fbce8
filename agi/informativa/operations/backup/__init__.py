"""Backups of an installation: making, verifying and listing them, and putting one back.

- `places`: names and places of backups: one file for each, in one folder
- `sources`: the files of an installation that a backup has
- `archive`, `manifest`: the file of a backup, and what it says is in it
- `encryption`: keys in it, by age
- `making`: making one while calls go on
- `listing`: those of a folder: their age, their end, and the erased callers in them
- `conditions`, `recovery`: when one may be restored, and restoring it
"""
