"""Ledgers, in which deliveries are recorded. Each passes the same contract test. Who may write them is a
table in docs/architecture.md.

The ledger:

- `sqlite`: one file for each company
- `groupcommit`: the service's: one writer, many calls in one transaction
- `transaction`: the queries and changes of calls
- `rows`, `number_use`: events as rows; since when a number is its holder's
- `answers`: answers to choices
- `outbox`: what a company's hook is to be told
- `bulk`: many records at once
- `caller_states`: callers, grouped by what decides about them
- `remembered_callers`: the records of a caller, without a search, for a console
- `following`, `recorded_calls`: reading while others write; calls, as a list of calls has them
- `tally`: counters by the hour
- `month_counts`: what a report of a month counts beside them

Its file:

- `ledger_file`: the open file
- `write_lock`: one writer at a time, for all that write; and who has a file open
- `single_openings`: one opening for all that a page, or a command, reads
- `opening`: opening that cannot hang
- `owner`, `foreign_schema`: no other company's, and nothing that others made
- `write_check`: whether a call could be recorded
- `schema`, `ledger_copies`: the tables (`schema.sql`), and copies of all that is in them
- `snapshot`: copies for a backup, while calls go on
- `restoring`, `replaced`, `restored_notes`: a backup in its place, without taking back what was erased

Its log:

- `leaves`: leaves and logs as rows
- `row_texts`: from a row to the texts that a leaf commits to
- `note_leaves`: notes, which are leaves of their own
- `references`: leaves and purges as records about records name them
- `sequencer`, `extension`: from leaves to a signed checkpoint, and what must hold first
- `own_logs`: all its logs, and what it remembers of them
- `approvals`, `instructions`: the controller's word for notes, and its tickets
- `totals`: counted records, as records

What goes:

- `expiry`, `purge_plan`: records past their retention, and by which rule
- `erasure`, `gathered_caller`, `caller_traces`: one caller, his records, and traces of him in files
- `erasure_notes`, `private_lists`: what the log says of it, and which leaves
- `loss_notes`, `named_holes`: leaves that are named as purged, erased or lost

Persons' requests:

- `requests`: the register of requests, and the steps by which each was answered

Audits:

- `audit_log`: a whole ledger against its log
- `audit`, `audit_flaws`, `audit_reading`: its records, their flaws, and how they are read
- `audit_answers`, `audit_history`: answers and history against records
- `audit_checkpoints`, `audit_tiles`, `audit_description`: the files of its log, and what it says of them
- `recorded_times`: when records say that they were put on record

Who looked at whom:

- `access_log`, `open_access_log`, `access_entries`: a file beside each ledger, the same while it stays open,
  and its entries
- `access_chain`, `access_heads`, `access_check`: its hashes, its newest entry on record, and a check that
  remembers what was right
"""
