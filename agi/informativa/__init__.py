"""informativa: plays the short privacy notice on inbound Asterisk calls only when it is due.

Packages, high to low; each knows those below it and none above (import contracts in pyproject.toml):

- `cli`: commands: parse, do, show
- `console`: the same as pages
- `views`: results for their readers: text, pages, JSON, words in a language
- `operations`: all that a person can do or ask, and its result, which is the JSON document
- `process`: service and script, what goes on beside the calls, the way to what is stored
- `asterisk`: the adapters to Asterisk
- `ledgers`: the adapters to what is stored: one SQLite file for each company
- `config`: informativa.yaml, parsed, checked, frozen
- `call`: the story of a call
- `evidence`: proof, in the formats of transparency logs
- `prompts`: sound: texts, files, formats
- `system`: the machine
- `model`: nouns, errors, sentences as data, contracts of what is outside

Where a first question is answered:

- which notices a call is due: `call.policy`
- which choices it is asked: `call.choice_policy`
- how much was heard: `call.playback`
- a caller is erased: `process.erasing`, and in a ledger: `ledgers.erasure`
- who may write a ledger: `ledgers.owner`, one at a time: `ledgers.write_lock`
- the JSON of a record: `operations.record_document`
- a check of the machine: `operations.doctor.checks`
- a hook is told of a consent: `ledgers.outbox`, `process.hook_sending`
- implementations are chosen: `process.bootstrap`
- a word of the command line: `cli.main`
- a rule such as I3 is shown: `grep -r test_i3_ tests`

docs/architecture.md follows one call through all of it.
"""

__version__ = "0.2.0"

CONFIGURATION = "/etc/informativa/informativa.yaml"  # unless another is named
STARTED = ".agi"  # after the configuration's name, in that of the link by which Asterisk starts the script
