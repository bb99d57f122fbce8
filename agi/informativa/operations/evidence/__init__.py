"""Operations on proofs: for the keeper of a log, for auditors, and for the company at home whose calls
others answer.

The log:

- `logs`: signing, keys
- `log_state`: what is recorded, signed, and kept elsewhere
- `publishing`: to witnesses and copies

Receipts:

- `receipts`, `receipt_maker`, `receipt_files`: of one record or one caller; from a record and its leaf; as
  files
- `played_sound`: the recording that a record names
- `verifying`: the check of receipts without a ledger

Audits:

- `auditing`: ledgers against their logs
- `verdict`: is anything gone, and by whose word?
- `audited_notes`, `first_cosigned`: what notes come to, and when witnesses signed them
- `time_remarks`: leaves whose time contradicts witnesses

Bundles for auditors:

- `bundle`: a period in one ZIP file
- `bundle_content`: what is in it, as a document
- `bundle_sources`: its records
- `bundle_log`, `bundle_prompts`, `bundle_holes`: logs, prompts, and records that are gone
- `zip_writer`: a ZIP file of any length

A list of calls beside the ledgers:

- `call_list`, `list_reading`: its rows
- `call_matching`, `comparison`, `compared_days`: matched with records, by call and by day
- `comparison_document`: the result

At home:

- `monitor`, `monitor_reading`, `monitor_judging`: a look at others' logs: what is read, and what it means
- `monitor_findings`, `monitor_outbox`: findings, which are new, whom they are told to
- `monitor_witness`, `witness`: the company's own witness, as the monitor reads it, and as a service
- `approving`, `approver_key`, `erasure_lists`: approval of notes, the key for it, lists of what is erased
- `noted_approvals`, `note_words`: approvals that came back; notes in words
"""
