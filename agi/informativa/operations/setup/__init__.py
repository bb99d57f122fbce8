"""Setting a PBX up in one step, and taking that back: what docs/by-hand.md does step by step.

An installation has three parts, in this order: the configuration, the service, the dialplan. For each the
plan knows its files, as they are and as they are to be, and the commands that make them work. What is the
same is left alone, so a second run does nothing.

A run writes the journal first, then the files, then it runs the commands, and last it marks the journal as
complete. After an interruption the next run therefore finds what is missing, and runs all commands again,
which may be run any number of times. A command that fails stops nothing: it is in the report, for somebody to
type.

Secrets are in no report: where a text has one, as the dialplan has the token, the report has dots.

| File | Written by a run | Taken back |
|---|---|---|
| new configuration | as a whole, by a rename | unless it was changed, or a ledger has records of calls |
| keys | with it; those that exist stay | never |
| ledgers | never | never |
| unit, informativa.conf | if there is none, or setup's own | unless it was changed |
| somebody else's file in their place | with a person's consent | by its text before |
| extensions.conf | edits, each of a piece that is there once | each edit whose piece is still there |

What is asked:

- `machine`: the Asterisk, the systemd and the user that are meant
- `number_form`: the form in which the trunk writes callers' numbers, learned from a call

What is needed:

- `call_places`: the places in the dialplan where calls to a line begin
- `changes`, `dialplan_changes`: files as they are and as they are to be; those of the admin's dialplan
- `staging`: a new configuration before it is in its place
- `plan`: all of it

What is done:

- `journal`: the small file that says what was done
- `report`: the result, which is the JSON document
- `running`: the work
- `undoing`: taking it back
"""
