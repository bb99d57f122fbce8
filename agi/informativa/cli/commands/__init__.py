"""The commands, one module for each noun: parse what was typed, have an operation do it, show its result.
Which words a module knows is in `MODULES` of `..main`.

Setting up:

- `setup`: all steps in one, and taken back
- `init`: a first configuration
- `check`: the configuration and all that it names
- `notices`: the notices of today
- `prompts`: prompts: spoken, recorded, heard, laid out
- `dialplan`: what Asterisk includes
- `keys`: secrets
- `backup`: backups, and `restore`
- `service`: the systemd unit, and `serve`
- `web`: the console and its accounts

Looking:

- `doctor`: what is wrong
- `watching`: `tail` and `status`
- `tail`: calls as they come
- `explain`: what would happen to a call
- `test_call`: a call that tries it
- `ledger`: records
- `report`: a month of a company
- `controllers`: companies: their state, a purge, the worksheet of a contract

Callers:

- `callers`: one caller, his erasure, what he was told elsewhere
- `consents`: files of what callers answered
- `hooks`: who is told of it
- `importing`: deliveries made elsewhere
- `reloading`: a running service loads its changed file

Proof:

- `evidence`: checkpoints, receipts, audits
- `bundle`: a period for an auditor
- `compare`: a list of calls beside the ledgers
- `monitor`: for the company at home whose calls others answer: a look at their log
- `witness`: the same: its signature of their log
- `approve`: the same: its word for notes of the log
"""
