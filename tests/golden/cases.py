"""Command lines whose output is compared, and the preparations for each."""

from __future__ import annotations

from golden.case import Case
from golden.hook_cases import CHOICES, COUNTRIES, GRANTS, HOOK_CASES
from golden.installation import HUNG_UP, KNOWN, KNOWS_OLD, OTHER

CASES = {
    # calls and status
    "tail": Case("tail -n 3 --controller acme", lines=4),
    "status": Case("status"),
    "status-service": Case("status --service"),
    "explain-known": Case(f"explain --from {KNOWN} --to 0212345678 --at 2026-12-01T10:00"),
    "explain-supplement": Case("explain --from +393330000012 --to 0287654321 --at 2026-12-01T10:00"),
    "explain-new-purpose": Case(f"explain --from {HUNG_UP} --to +390212345678 --language en"),
    "explain-withheld": Case("explain --from withheld --to +493012345678"),
    "explain-country": Case(
        f"explain --from {KNOWN} --to 0212345678 --at 2026-12-01T10:00 --country RO", changes=COUNTRIES
    ),
    "explain-country-mistyped": Case(
        f"explain --from {KNOWN} --to 0212345678 --at 2026-12-01T10:00 --country ROMANIA", changes=COUNTRIES
    ),
    "explain-shared": Case("explain --from +390244001234 --to 0212345678"),
    # the configuration
    "check": Case("check"),
    "controllers": Case("controllers"),
    "outsourcing-worksheet": Case("outsourcing-worksheet borealis", json=False),
    # records
    "ledger-show": Case("ledger show --controller acme"),
    "ledger-show-all": Case("ledger show --controller borealis --since 2026-11-25 --until 2026-11-28"),
    "ledger-show-filtered": Case("ledger show --line 0212345678 --status PARTIAL"),
    "ledger-restore": Case(
        "ledger restore {root}/etc/old.sqlite3 --controller acme",
        setup=(
            "! cp ledger/acme.sqlite3 old.sqlite3",
            f"record --controller acme --by operator --reference x {KNOWN}",
            f"caller erase {HUNG_UP} --controller acme --yes",
        ),
    ),
    "backup-list": Case("backup list {root}"),
    "report": Case("report acme --month 2026-11"),
    "report-page": Case(
        "report acme --month 2026-11 --format html --language it -o {root}/report.html",
        json=False,
        files=("report.html",),
    ),
    "report-table": Case("report acme --month 2026-11 --format csv", json=False),
    "report-to-come": Case("report acme --month 2027-01"),
    "report-none": Case("report borealis --month 2026-05"),
    "purge": Case("purge --controller acme"),
    "purge-done": Case("purge --controller acme --yes", writes=True),
    # callers
    "caller-show": Case(f"caller show {KNOWN} --controller acme"),
    "caller-show-supplement": Case(f"caller show {KNOWS_OLD} --controller acme"),
    "caller-show-elsewhere": Case(f"caller show {OTHER} --controller acme"),
    "caller-show-nobody": Case("caller show +393339999999 --controller acme"),
    "caller-erase": Case(f"caller erase {KNOWN} --controller acme"),
    "caller-erase-done": Case(f"caller erase {KNOWN} --controller acme --yes", writes=True),
    "record": Case("record --controller acme --by operator --reference call-9 +393338888888", writes=True),
    "record-customer": Case(
        "record --controller acme --by contract --reference K/9 --customer 4711 --on 2025-03-01", writes=True
    ),
    "import": Case(
        "import {root}/callers.csv --controller acme --by website --reference newsletter --yes",
        files=("callers.csv.rejects.csv",),
        writes=True,
    ),
    "import-preview": Case("import {root}/callers.csv --controller acme --by website"),
    "import-rejects": Case(
        "import {root}/callers.csv --controller acme --by website --yes --rejects {root}/again.csv",
        files=("again.csv",),
        writes=True,
    ),
    "import-again": Case(
        "import {root}/callers.csv --controller acme --by website --yes",
        setup=("import {root}/callers.csv --controller acme --by website --yes",),
    ),
    # consents
    "consent-export": Case(
        "consent export --controller acme --answer granted",
        setup=(GRANTS,),
        changes=CHOICES,
    ),
    "consent-import": Case(
        "consent import {root}/answers.csv --controller acme --by website --choice marketing --yes",
        setup=(GRANTS.replace("granted", "withdrawn"),),
        changes=CHOICES,
        files=("answers.csv.rejects.csv",),
    ),
    "consent-import-dry": Case(
        "consent import {root}/answers.csv --controller acme --by website --choice marketing --dry-run",
        changes=CHOICES,
        files=("answers.csv.rejects.csv",),
    ),
    **HOOK_CASES,
    # evidence
    "evidence-key": Case("evidence key"),
    "evidence-key-new": Case("evidence key --controller acme --new", writes=True),
    "evidence-checkpoint": Case(
        "evidence checkpoint", setup=(f"record --controller acme --by operator --reference x {KNOWN}",)
    ),
    "evidence-checkpoint-nothing": Case("evidence checkpoint --controller acme", writes=True),
    "evidence-publish": Case("evidence publish", writes=True),
    "evidence-publish-check": Case("evidence publish --check --controller acme", writes=True),
    "evidence-receipt": Case(
        "evidence receipt 4 --controller acme", files=("acme-4.tlog-proof",), writes=True
    ),
    "evidence-receipt-waiting": Case(
        f"evidence receipt --from {OTHER} --controller acme",
        setup=(f"record --controller acme --by operator --reference x {OTHER}",),
    ),
    "evidence-verify": Case(
        "evidence verify acme-4.tlog-proof --key {key}", setup=("evidence receipt 4 --controller acme",)
    ),
    "evidence-verify-another": Case(
        f"evidence verify acme-4.tlog-proof --key {{key}} --number {HUNG_UP}",
        setup=(f"evidence receipt --from {KNOWN} --open --controller acme",),
    ),
    "evidence-verify-number": Case(
        f"evidence verify acme-4.tlog-proof acme-13.tlog-proof --key {{key}} --number {KNOWN}",
        setup=(f"evidence receipt --from {KNOWN} --open --controller acme",),
    ),
    "evidence-audit": Case("evidence audit", writes=True),
    "evidence-audit-waiting": Case(
        "evidence audit --controller acme",
        setup=(f"record --controller acme --by operator --reference x {OTHER}",),
    ),
    "evidence-bundle": Case(
        "evidence bundle --from 2026-11-01 --to 2026-11-30 --controller acme",
        files=("acme-2026-11-01-2026-11-30.zip!README.txt",),
        writes=True,
    ),
    "evidence-compare": Case("evidence compare --calls {root}/Master.csv"),
    "evidence-compare-agrees": Case("evidence compare --calls {root}/carrier.csv"),
    "witness-key": Case("witness key {root}/witness --name home.acme.example", writes=True),
    "witness-key-there": Case(
        "witness key {root}/witness", setup=("witness key {root}/witness --name home.example",)
    ),
    "evidence-approver-key": Case(
        "evidence approver-key {root}/dpo.key --name acme.example/dpo", writes=True
    ),
    "evidence-approver-key-there": Case(
        "evidence approver-key {root}/dpo.key",
        setup=("evidence approver-key {root}/dpo.key --name acme.example/dpo",),
    ),
    # secrets and recordings
    "keys-make": Case("keys make acme", missing=("etc/keys/acme.key", "etc/ledger/acme.sqlite3")),
    "keys-make-manager": Case(
        "keys make manager",
        changes={
            "operator: Acme": "manager: {user: informativa, secret: keys/manager.secret}\noperator: Acme"
        },
    ),
    "keys-rotate": Case("keys rotate acme"),
    "keys-rotate-done": Case("keys rotate acme --yes", writes=True),
    "keys-rotate-agi": Case("keys rotate --agi", writes=True),
    "prompts-texts": Case("prompts texts {root}/texts", json=False, writes=True),
    "prompts-play": Case("prompts play"),
    "prompts-play-choices": Case("prompts play it/new", changes=CHOICES),
    "prompts-install-choices": Case(
        "prompts install --formats alaw --sounds {root}/asterisk", changes=CHOICES, writes=True
    ),
    "prompts-play-one": Case("prompts play it/short --path"),
    "prompts-install": Case("prompts install --formats alaw,ulaw --sounds {root}/asterisk", writes=True),
    "prompts-install-dry": Case("prompts install --formats alaw --dry-run"),
    # what is installed
    "init": Case("init {root}/new --callers national", json=False, writes=True),
    "init-company": Case(
        "init {root}/new --company Rossi --number +390212345678 --notice country --notice marketing",
        json=False,
        writes=True,
    ),
    "notices-add": Case("notices add ai --controller acme --line +390212345678"),
    "notices-add-missing": Case("notices add country-outside-eu --controller borealis --set eu=2 --yes"),
    "notices-add-nothing": Case(
        "notices add ai --controller borealis",
        changes={
            "Berlin\n    notices:\n": "Berlin\n    notices:\n"
            "      ai: {versions: [{version: '1', purposes: [x], short: {de: prompts/de/short}}]}\n",
            "    callers: international\n    plan:\n": "    plan:\n      - {notice: ai, when: always}\n",
        },
    ),
    "dialplan": Case("dialplan", json=False, writes=True),
    "dialplan-written": Case("dialplan -o {root}/asterisk/informativa.conf", json=False, writes=True),
    "dialplan-install": Case("dialplan install --to {root}/asterisk", writes=True),
    "dialplan-install-dry": Case("dialplan install --to {root}/asterisk --dry-run --freepbx"),
    "dialplan-uninstall": Case(
        "dialplan uninstall --to {root}/asterisk", setup=("dialplan install --to {root}/asterisk",)
    ),
    "dialplan-uninstall-nothing": Case("dialplan uninstall --to {root}/asterisk --dry-run"),
    "doctor-account": Case(
        "doctor --account",
        json=False,
        changes={"operator: Acme": "manager: {user: informativa, secret: keys/agi.token}\noperator: Acme"},
    ),
    # the console
    "web-invite": Case("web invite berta --role compliance --controller borealis --hours 48", writes=True),
    "web-accounts": Case("web accounts", setup=("web invite old --role reader --controller acme",)),
    "web-remove": Case("web remove carlo", writes=True),
    "web-log-out": Case(
        "web log-out berta",
        setup=("! account berta reader",),
        writes=True,
    ),
    "web-grant": Case(
        "web grant berta --role reader --controller borealis",
        setup=("! account berta admin",),
    ),
    "web-log": Case("web log acme", writes=True),
}

BOREALIS_WRONG = {"name: Borealis GmbH": "nome: Borealis GmbH"}

FAILURES = {
    "command-mistyped": Case("chek", json=False),
    "no-option": Case("check --confg x"),
    "no-argument": Case("init", json=False),
    "no-value": Case("explain --from +393331234567"),
    "not-a-choice": Case("ledger show --status HEARD"),
    "not-a-number": Case("ledger show --last many"),
    "too-small": Case("ledger show --last 0"),
    "not-a-time": Case("ledger show --since yesterday"),
    "until-before-since": Case("ledger show --since 2026-02-01 --until 2026-01-01 --controller acme"),
    "not-a-pseudonym": Case("ledger show --controller acme --caller abc"),
    "no-configuration": Case("check -c /nonexistent/informativa.yaml"),
    "configuration-is-a-folder": Case("check -c {root}"),
    "not-yaml": Case("check", changes={"service:": "service: ["}),
    "mistakes": Case(
        "check",
        changes={
            "retention: 5 years": "retention: 5 lustri",
            "region: DE": "region: germany",
            **BOREALIS_WRONG,
            "language: it\n": "langage: it\n",
            "when: always": "when: sometimes",
            "prompts/it/full": "prompts/it/ful",
        },
    ),
    "mistakes-status": Case("status", changes=BOREALIS_WRONG),
    "mistakes-elsewhere": Case("ledger show --controller acme --last 1", changes=BOREALIS_WRONG),
    "mistakes-here": Case("purge --controller borealis", changes=BOREALIS_WRONG),
    "recording-missing": Case("check", missing=("etc/prompts/it/short.wav",)),
    "papers-missing": Case("check", changes={'reference: "2026/17"': 'reference: "put its number here"'}),
    "key-missing": Case("caller show +393331234567 --controller acme", missing=("etc/keys/acme.key",)),
    "another-key": Case("ledger show --controller acme", setup=("! cp keys/borealis.key keys/acme.key",)),
    "no-controller": Case("ledger show --controller acm"),
    "which-controller": Case("evidence receipt 3"),
    "no-line": Case("explain --from withheld --to 0299999999"),
    "no-ledger": Case("ledger show --controller acme", missing=("etc/ledger/acme.sqlite3",)),
    "no-ledger-caller": Case(
        "caller show +393331234567 --controller acme", missing=("etc/ledger/acme.sqlite3",)
    ),
    "no-ledger-purge": Case("purge --yes --controller acme", missing=("etc/ledger/acme.sqlite3",)),
    "no-record": Case("evidence receipt 999 --controller acme"),
    "no-number": Case("caller show --controller acme"),
    "bad-number": Case("caller show 12 --controller acme"),
    "no-file": Case("import {root}/none.csv --controller acme --by website"),
    "no-column": Case("import {root}/asterisk/extensions.conf --controller acme --by website"),
    "no-notice": Case("record --controller acme --by website --reference x +393331234567 --notice privcy"),
    "no-consent": Case("consent export --choice marketin --controller acme", changes=CHOICES),
    "consent-is-none": Case("consent export --choice abroad --controller acme", changes=CHOICES),
    "consent-no-column": Case(
        "consent import {root}/callers.csv --controller acme --by website --choice marketing",
        changes=CHOICES,
    ),
    "future": Case("record --controller acme --by website --reference x +393331234567 --on 2027-01-01"),
    "no-receipt": Case("evidence verify {root}/none.receipt --key {key}"),
    "not-a-receipt": Case("evidence verify {root}/callers.csv --key {key}"),
    "nobody-trusted": Case("evidence verify {root}/callers.csv"),
    "not-a-key": Case("evidence audit --key nonsense"),
    "log-tampered": Case(
        "evidence audit --controller acme",
        setup=("! sqlite ledger/acme.sqlite3 UPDATE event SET version = 2025 WHERE record = 4",),
    ),
    "bundle-of-no-day": Case("evidence bundle --from 2026-12-31 --to 2026-12-01 --controller acme"),
    "bundle-empty": Case("evidence bundle --from 2020-01-01 --to 2020-01-31 --controller acme"),
    "not-a-list": Case("evidence compare --calls {root}/callers.csv"),
    "list-of-no-line": Case("evidence compare --calls {root}/carrier.csv --controller acme"),
    "list-of-no-day": Case("evidence compare --calls {root}/Master.csv --from 2026-12-24"),
    "no-monitor": Case(
        "evidence approve {root} acme.example/informativa/acme/pbx-1/1 42 --key {root}/dpo.key --yes",
        setup=("evidence approver-key {root}/dpo.key --name acme.example/dpo",),
    ),
    "no-approver": Case(
        "evidence approve {root} acme.example/informativa/acme/pbx-1/1 42 --key {root}/none.key --yes"
    ),
    "no-leaf": Case("evidence approve {root} 42 --key {root}/dpo.key --yes"),
    "no-approval": Case("evidence approval {root}/callers.csv --controller acme"),
    "key-there": Case("keys make acme"),
    "key-for-nobody": Case("keys rotate"),
    "setup-no-asterisk": Case("setup {root}/new --to {root}/nowhere"),
    "setup-nobody": Case("setup {root}/new --to {root}/asterisk"),
    "setup-not-empty": Case(
        "setup {root}/asterisk --to {root}/asterisk --company Acme --number +390212345678"
    ),
    "setup-other-company": Case(
        "setup {root}/etc --to {root}/asterisk --company Cobalto --number +390212345678"
    ),
    "setup-undo-nothing": Case("setup {root}/etc --undo --yes"),
    "init-not-empty": Case("init {root}/etc", json=False),
    "no-asterisk": Case("dialplan install --to {root}/nowhere"),
    "no-account": Case("web grant nobody --role reader --controller acme"),
    "no-account-to-remove": Case("web remove nobody"),
    "no-role": Case("web invite dora --role king --controller acme"),
    "no-manager": Case("test-call 0212345678"),
    "no-prompt": Case("prompts play fr/short"),
    "no-format": Case("prompts install --formats mp3"),
    "no-text-of-a-choice": Case(
        "prompts add {root}/callers.csv --language it --controller acme --notice abroad --part withdraw",
        changes=CHOICES,
    ),
    "not-a-recording": Case("prompts add {root}/callers.csv --language it --controller acme"),
    "two-units": Case("systemd --web --evidence", json=False),
    "no-backup": Case("backup verify {root}/callers.csv"),
    "no-folder-for-backups": Case("backup make"),
    "not-a-backup": Case("restore {root}/callers.csv --yes"),
}

EXCEPTIONS = {
    "serve": "goes on until it is stopped; test_service.py reads its log, which is English",
    "web": "the same, for the console",
    "evidence sequence": "the same, for the signer",
    "witness serve": "the same, for a witness",
    "monitor": "follows a log elsewhere: its results are built by hand, and test_monitor.py runs it",
    "evidence approve": "reads a monitor's copy: built by hand, and test_approve.py runs it",
    "evidence approval": "reads what a person signed: built by hand, and test_approval_import.py runs it",
    "backup make": "names sizes that depend on the machine's SQLite: built by hand",
    "backup verify": "the same, of digests",
    "restore": "restores such a backup: built by hand, and test_restore.py runs it",
    "reload": "has a running service load a file: built by hand, and test_reload.py runs it",
    "systemd": "names the machine's Python and users: built by hand",
    "setup": "the same, and test_setup.py runs it",
    "test-call": "needs an Asterisk: built by hand",
    "prompts build": "needs a speech engine: built by hand",
    "prompts add": "built by hand",
}
"""Commands that are not typed here, each with the reason."""
