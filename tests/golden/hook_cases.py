"""A company that asks for consents, and the command lines about its hook whose output is compared."""

from __future__ import annotations

from golden.case import Case

CHOICES = {
    '    notices:\n      privacy:\n        versions:\n          - version: "2025"\n': """\
    choices:
      marketing:
        asks: consent
        purpose: marketing
        holds: 24 months
        keys: {granted: "4", refused: "5"}
        withdraw_at: "+390212345678"
        versions:
          - {version: "1", starts: 2026-09-01, short: {it: prompts/it/new}, withdraw: {it: prompts/it/new}}
      abroad:
        asks: operator
        keys: {eu: "2"}
        versions: [{version: "1", short: {it: prompts/it/new}}]
    notices:
      privacy:
        versions:
          - version: "2025"
"""
}
"""A company that asks for a consent."""
COUNTRIES = {
    "    plan:\n      - notice: privacy\n        when: once\n": """\
    plan:
      - {notice: country-al, when: always, countries: [AL, others]}
      - {notice: country, when: always, countries: [RO]}
      - notice: privacy
""",
    '    notices:\n      privacy:\n        versions:\n          - version: "2025"\n': """\
    notices:
      country:
        versions:
          - {version: "1", purposes: [service], short: {it: prompts/it/new, en: prompts/en/short}}
      country-al:
        versions:
          - {version: "1", purposes: [service], short: {it: prompts/it/new, en: prompts/en/short}}
      privacy:
        versions:
          - version: "2025"
""",
}
"""A line whose operators sit in several countries."""
GRANTS = "consent import {root}/granted.csv --controller acme --by website --choice marketing --yes"
_HOOK = "    hook: {url: http://127.0.0.1:1/token-in-path, secret: keys/acme.hook}\n    choices:\n"
HOOKED = {before: after.replace("    choices:\n", _HOOK) for before, after in CHOICES.items()}
_SECRET = "keys make acme --hook"

HOOK_CASES = {
    "consent-hook": Case(
        "consent hook acme",
        setup=(_SECRET, GRANTS, "consent hook acme --resume"),
        changes=HOOKED,
    ),
    "consent-hook-stopped": Case(
        "consent hook",
        setup=(
            _SECRET,
            GRANTS,
            "! sqlite ledger/acme.sqlite3 INSERT INTO hook VALUES (1, NULL, 1, '410', 1795611600000000)",
        ),
        changes=HOOKED,
    ),
    "consent-hook-test": Case("consent hook acme --send-test", setup=(_SECRET,), changes=HOOKED),
    "consent-hook-discard": Case(
        "consent hook acme --discard all --yes", setup=(_SECRET, GRANTS), changes=HOOKED
    ),
    "consent-hook-discard-preview": Case(
        "consent hook acme --discard all", setup=(_SECRET, GRANTS), changes=HOOKED
    ),
    "consent-hook-none": Case("consent hook acme"),
    "keys-make-hook": Case("keys make acme --hook", changes=HOOKED),
    "check-hook": Case("check", changes=HOOKED),
}
