"""The processes that take calls, and all that goes on in them beside calls.

What they are made of:

- `bootstrap`: the only module that chooses implementations: which ledger, which clock, for service and
  script; and the ledger of a company that has none
- `storage`: the way to what is stored of a company, for commands, the console and work beside the calls
- `log_storage`: the same for what its log states: rules, purge plans, approvals
- `erasing`: the erasure of a caller

Taking calls:

- `service`: the FastAGI service, until SIGTERM
- `script`: the classic script's one call
- `script_limit`: how many scripts may run
- `preparation`: checks before calls are taken: configuration, ledgers, prompts
- `generations`: the configuration and the ledgers of calls; SIGHUP begins a new one

Beside the calls:

- `regular_work`: the table of what is done at what time, for which company
- `maintenance`: purges
- `spool_collection`: from Asterisk's database into the ledgers
- `publication`: a log to its witnesses and to where copies are kept
- `retrieval`: what was published of a log, back to where it was lost
- `approval_collection`: approvals from witnesses
- `hook_sending`: messages about consents to companies' hooks, from the outbox of each ledger
- `hook_client`: one such message, as a POST of bounded time

How it goes:

- `metrics`: for Prometheus
- `loaded_text`: the text that the service has loaded, for `informativa reload`
- `self_report`: what `doctor` and `status` ask the service
- `last_hour`: calls that went wrong
- `systemd`: word to systemd: ready, alive, stopping
- `watchdog`: the end of a process that stands still

Threads of the service: the event loop takes calls; a ledger's jobs are done by one thread at a time, which
all ledgers and the work beside the calls share (`system.patience`): as many as have something to do at once;
each look-up has threads of its own. Work beside the calls is done in turns of one company after the other
(`system.turns`), so that no company waits for another (I10).
"""
