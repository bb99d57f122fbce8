"""Results as lines and tables for a terminal, in the language that each call is given.

Calls and records:

- `records`: records of a ledger, and calls as they come
- `callers`: one caller: records, erasure, entries
- `consents`: consents of a caller, what was put on record of them, and all answers counted
- `requests`: persons' requests
- `choices`: choices that would be asked
- `explain`: what would happen to a call
- `forecast`: what another configuration would change for callers
- `importing`: an import
- `retention`: a purge
- `access_log`: who looked at whom
- `report`: the report of a month

The installation:

- `status`: service and ledgers on one screen
- `doctor`, `mending`: findings, and what `doctor --fix` did
- `check`: problems of the configuration
- `similar`: what is the same for many companies
- `configuration`: a configuration that was made or upgraded, and files for one
- `controllers`: companies and their state
- `packages`: a notice of today that was added
- `prompts`: prompts that are configured, made or installed
- `setup`: setup, step by step
- `dialplan`: the dialplan in Asterisk's folder
- `test_call`: a test call, step by step
- `account`: how to make the account at Asterisk's manager
- `backups`: backups, made, listed, verified, restored
- `hooks`: companies' hooks
- `accounts`: accounts of the console
- `keys`: secrets that were made or rotated

Proof:

- `evidence`: receipts, checkpoints, whether they hold
- `audits`: an audit
- `publishing`: where a log is published
- `approval`: approvals of notes, and what notes change
- `monitor`: a look at others' logs, and the company's own witness
- `comparison`: a list of calls beside the ledgers
- `bundle`: a bundle that was written
- `bundle_readme`: the texts in it for an auditor
- `bundle_plan`: plans of lines in words
"""
