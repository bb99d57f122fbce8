"""Operations: everything that a person can do or ask. They take values and return frozen results, which are
the JSON documents, too; they print nothing, and translate nothing.

Rooms:

- `doctor`: the checks of a live system, and what mends each fault
- `evidence`: checkpoints, receipts, bundles, audits, monitors
- `prompts`: making, showing and installing prompts
- `packages`: the notices that the law asks for today
- `accounts`: accounts of the console
- `setup`: a PBX set up in one step, and taken back
- `backup`: backups of the installation, and putting one back

Results:

- `document`: kinds of fields, and how JSON has them
- `record_document`: a record as all programs read it
- `problems`: a failed command, and a problem of the configuration

Callers:

- `typed_caller`: a caller as somebody types him
- `undelivered_acts`: acts that an erasure deleted before a hook was told of them
- `callers`, `caller_summary`: his records, his erasure, adding a record; what counts for him now
- `access_letter`, `letter_consents`: the answer to an access request
- `consents`, `consent_export`, `consent_import`: what callers answered: one caller, a file of all, from a
  file
- `hooks`: companies' hooks
- `access_log`, `asked_exports`: who looked at whom in the console; exports that a second person confirms
- `proxy_faults`: how a web server in front of the console asks wrongly
- `request_register`, `request_answers`, `request_refusals`: persons' requests: led from their coming to
  their closing; their answers and erasures; why a step is not possible

Records:

- `daily_brief`: the three questions of a company's day
- `records`, `calls`, `statistics`: records, all of one call, numbers by hour, day and month
- `importing`, `import_reading`, `import_rows`, `import_order`, `import_rejects`: deliveries made elsewhere,
  from a list: understood, prepared, put in order; rows that are rejected
- `csv_table`, `text_encoding`, `sheet_table`, `sheet_rows`: rows of a CSV file and of an Excel file
- `table_columns`, `cell_times`, `day_range`, `typed_period`: columns, times, a range of days, times as
  people type them
- `monthly_report`, `report_document`, `report_sending`: the report of a month, as JSON, by mail
- `retention`, `restoring`: what is past its retention; a backup in a ledger's place

Calls that are tried:

- `explain`, `explained_choices`: what would happen to a call
- `forecast`, `forecast_counting`, `forecast_document`: what another configuration would change for callers
- `reload`: the same before a running service loads its file
- `test_call`, `test_call_entry`: a call that Asterisk places to nobody, and where it comes in

The installation:

- `check`, `status`: the configuration; service and ledgers
- `controllers`, `controller_state`, `outsourcing`: companies: by name, their state, the worksheet
- `notices`, `notice_changes`: the notices of one; what differs between two versions
- `init`, `new_company`: a first configuration
- `keys`: secrets
- `dialplan`, `dialplan_install`: Asterisk's dialplan, written and installed
- `outside_command`: a command of others that takes something
- `systemd_unit`, `generated`: units; files that are made for a configuration
"""
