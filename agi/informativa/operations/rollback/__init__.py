"""The way back to an earlier version of informativa, with its ledgers, units and dialplan.

- `package`: the file that brings the earlier version, and how it is installed
- `plan`: what would change; the result
- `running`: the steps, of which the last ones are a script, since they replace the program itself
"""
