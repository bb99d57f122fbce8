"""Setting a PBX up in one step, and taking that back: the steps of docs/by-hand.md.

- `machine`: the Asterisk, the systemd and the user that are meant
- `number_form`: the form in which the trunk writes callers' numbers, learned from a call
- `call_places`: the places in the dialplan where the notice is called
- `changes`, `dialplan_changes`: files as they are and as they are to be; those of the admin's dialplan
- `plan`: the files and commands that are needed, compared with those that are there
- `staging`: a new configuration before it is in its place
- `journal`: the small file that says what was done
- `report`: the result, which is the JSON document
- `running`: the work
- `undoing`: taking it back
"""
