"""The checks of a live system, with what mends each fault. They ask Asterisk, the service and the files, and
change nothing; `mending` alone does, after a yes. A new check is a row of `checks`.

The machinery:

- `checks`: the table of all checks, and which commands run each
- `examination`: checks at the same time, each within its limit
- `findings`: the result of one
- `system`: what they examine, read once
- `ledger_facts`: facts of ledgers, each of which is opened once for them
- `probe`: questions to the service
- `mending`, `remedy_commands`: `doctor --fix`, and the commands that it runs

Checks:

- `asterisk`, `asterisk_files`: Asterisk, and where its files are
- `dialplan`: its dialplan, as it is loaded
- `unit`: the service's unit of systemd
- `account`: the account at its manager interface
- `ports`, `port_owner`: the service's ports, and other programs that have them
- `service`: the service, file rights, disk room, times
- `installation`: configuration, recordings, backups, this program
- `notices`, `names`: notices that agree with the records; names that people read
- `choices`: questions that name their keys, and callers who can be asked
- `console`: a web server in front of the console that asks as it should, and passkeys that can answer
- `ledgers`, `write_trial`: ledgers that open and can be written
- `evidence`: signed, in time, and kept elsewhere
- `hooks`: consents of which a hook is not told
- `requests`: persons' requests that are answered in time
- `status`: those of `status`, in fewer words
- `users`: users of this machine and their rights
"""
