"""A walk through the console that is the same in each run, and the answers to it.

The companies, their keys, their calls and the time are fixed (`build`, stopped_clock.py). The steps are taken
one after the other, each with the browser of a role and a language (`CASES`). All that still differs between
two runs is masked, and nothing else (`MASKS`).
"""

from __future__ import annotations

import io
import os
import random
import re
import time
import wave
import zipfile
from base64 import b32decode
from collections.abc import Iterator, Mapping
from contextlib import chdir, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import chain
from pathlib import Path

import httpx

from console.served import CALLER, PASSWORD, PATIENCE, STRANGER, Browser, ServedConsole, of_caller, served
from evidence.receipts import Company
from golden.stopped_clock import THURSDAY, BytesBySize, Clock, stopped_clock
from informativa import __version__
from informativa.console.routes import ROUTES
from informativa.model import Role
from informativa.operations.accounts import totp
from informativa.operations.evidence import logs
from informativa.process import storage
from lab.office import numbered
from lab.process import until

EN, IT = "en", "it"
READER, COMPLIANCE, ADMIN, OPERATOR, NOBODY = (
    "reader@acme", "compliance@acme", "admin@acme", "operator", "",
)  # fmt: skip
KEYS = {"acme": "a1" * 32, "borealis": "b2" * 32}
SIGNED = THURSDAY - timedelta(minutes=3)
HEADERS = ("content-type", "content-disposition", "location", "cache-control", "set-cookie")
"""Headers that differ between answers; console/test_routes.py shows those that guard every answer."""

MASKS: tuple[tuple[str, str], ...] = (
    (r'(name="csrf" value=")[0-9a-f]{64}', r"\1CSRF"),  # of one browser
    (r"(set-cookie: (?:session|browser)=)[^;\n]+", r"\1COOKIE"),  # of a session, or of a known browser
    (
        r"(/(?:caller|of|letter|answer|erased|jobs)/)[A-Za-z0-9_-]{16}(?![\w-])",
        r"\1NAME",
    ),  # of an object in a session
    (r"(?<=<br><code>)[0-9a-f]{64}", "DIGEST"),  # of an answer, in which are files of the program
    (r'(name="once" value=")[A-Za-z0-9_-]{12}', r"\1ONCE"),  # a form that is sent once
    (r"(/invitation/)[A-Za-z0-9_-]{22,}", r"\1TOKEN"),
    (r'(name="secret" value="|secret=)[A-Z2-7]{32}', r"\1SECRET"),  # of an app, for codes
    (r"(?<=<code>)(?:[A-Z2-7]{4} ?){8}(?=</code>)", "SECRET"),
    (r"(&#34;challenge&#34;: &#34;)[A-Za-z0-9_-]{43}&", r"\1CHALLENGE&"),  # for a passkey
    (r'(<path [^>]*class="qrline"[^>]* d=")[^"]+', r"\1PICTURE"),  # of that secret
    (r"(?<=<code>)[a-z2-7]{4}(-[a-z2-7]{4}){3}(?=</code>)", "RECOVERY"),
    (r'(name="session" value=")[A-Za-z0-9_-]{16}', r"\1SESSION"),  # by which its owner ends one
    (re.escape(__version__), "VERSION"),
    (r"127\.0\.0\.1:\d{4,5}(?=/)", "127.0.0.1:PORT"),  # where this console listens
    (r"(<style>).*?(</style>)", r"\1STYLE\2"),  # files of the program
    (r"(<script>).*?(</script>)", r"\1SCRIPT\2"),
    (r"('sha256-)[A-Za-z0-9+/=]{44}", r"\1DIGEST"),  # of these files
    (r"(</(?:p|li|h\d|dd|div|section|tr|option|details)>)(?=<)", "\\1\n"),
)
"""Patterns of all that differs between two runs, or is a file of the program, with the text in its place."""


COMMON = {
    "today": "today",
    "calls": "calls",
    "call": "calls/1",
    "notices": "notices",
    "what-if": "what-if",
}
"""Pages that every role has; those of an admin are the same as those of compliance."""


@dataclass(frozen=True)
class Case:
    """One step: a request of a role. Braces in `path` and in fields stand for parts of earlier answers in the
    same language: `{caller}` is the last part of the address to which the step with `keep="caller"` led.
    `form` are the fields to type into the form of the last page that goes to `path`; `None` for GET."""

    name: str
    role: str
    path: str
    form: Mapping[str, str] | None = None
    languages: tuple[str, ...] = (EN, IT)
    keep: str = ""
    headers: Mapping[str, str] | None = None
    stolen: bool = False
    """True if the form has the CSRF token of another browser."""
    changes: Mapping[str, str] | None = None
    """The changes of the configuration while this step is taken, each with what stands there otherwise."""

    @property
    def method(self) -> str:
        """The method of HTTP."""
        return "GET" if self.form is None else "POST"


COUNTRIES = {
    "plan:                    # what a caller must hear, in this order\n": "plan:\n"
    "      - {notice: country, when: always, countries: [AL, others]}\n",
    "    notices:\n      privacy:\n": "    notices:\n      country:\n"
    '        versions: [{version: "1", purposes: [country], short: {it: prompts/it/short}}]\n'
    "      privacy:\n",
}
"""A line of acme whose operators sit in several countries."""

CONFIRMED = {
    "    time_zone: Europe/Rome": "    exports: {four_eyes: true}\n    time_zone: Europe/Rome",
    "    time_zone: Europe/Berlin": "    exports: {four_eyes: true}\n    time_zone: Europe/Berlin",
}
"""Companies that want four eyes for exports."""

EARLIER = {
    '          - version: "2026-11"': """\
          - version: "2025"
            purposes: [service]
            short: {it: prompts/it/short-nokey, en: prompts/en/short}
          - version: "2026-11\"""",
}
"""A version of acme's notice before the present one, with other words in Italian."""

CASES: tuple[Case, ...] = (
    # The way in.
    Case("login", NOBODY, "/login"),
    Case("login refused", NOBODY, "/login", {"name": READER, "password": "wrong"}),
    Case("login after a form was lost", NOBODY, "/login?undone=1"),
    Case("today of nobody", NOBODY, "/acme/today", languages=(EN,)),
    Case("form of nobody", NOBODY, "/logout", {}, languages=(EN,), stolen=True),
    Case("invitation", NOBODY, "/invitation/{invitation}"),
    Case("invitation not understood", NOBODY, "/invitation/{invitation}", {"password": "a", "again": "b"}),
    Case("invitation too short", NOBODY, "/invitation/{invitation}", {"password": "a", "again": "a"}),
    Case("invitation taken", NOBODY, "/invitation/{invitation}", {"password": PASSWORD, "again": PASSWORD}),
    Case("invitation used", NOBODY, "/invitation/{invitation}"),
    # The own account.
    Case("account", NOBODY, "/account"),
    Case("account passkey", NOBODY, "/account/passkey", headers={"host": "localhost"}),
    Case("account app", NOBODY, "/account/app"),
    Case("account app wrong code", NOBODY, "/account/app", {"code": "000000", "current": PASSWORD}),
    Case("account app set up", NOBODY, "/account/app", {"code": "{code}", "current": PASSWORD}),
    Case("account with app", NOBODY, "/account"),
    Case("account wrong password", NOBODY, "/account/codes", {"current": "wrong"}, languages=(EN,)),
    Case("account out", NOBODY, "/logout", {}),
    Case("login again", NOBODY, "/login"),
    Case("login first step", NOBODY, "/login", {"name": "nora.{language}", "password": PASSWORD}),
    Case("login code", NOBODY, "/login/code"),
    Case("login code used", NOBODY, "/login/code", {"code": "{code}"}),
    Case("login recovery code", NOBODY, "/login/code", {"code": "{recovery}"}),
    Case("account after a refusal", NOBODY, "/account"),
    Case("account codes", NOBODY, "/account/codes", {"current": PASSWORD}, languages=(EN,)),
    Case("account again", NOBODY, "/account", languages=(EN,)),
    Case("account without app", NOBODY, "/account/app/removal", {"current": PASSWORD}, languages=(EN,)),
    Case("account app removed", NOBODY, "/account?done=no-app"),
    Case("account other password", NOBODY, "/account/password",
         {"current": PASSWORD, "password": PASSWORD, "again": PASSWORD}, languages=(EN,)),
    Case("account sessions", NOBODY, "/account/sessions", {"session": "others"}, languages=(EN,)),
    # Accounts of a company.
    Case("accounts", ADMIN, "/acme/accounts"),
    Case("accounts of another company", ADMIN, "/acme/accounts",
         {"act": "invite", "name": "reader@borealis", "role": "reader"}),
    Case("accounts invited", ADMIN, "/acme/accounts",
         {"act": "invite", "name": "dora.{language}", "role": "compliance"}),
    Case("accounts withdrawn", ADMIN, "/acme/accounts",
         {"act": "withdraw", "name": "dora.{language}"}, languages=(EN,)),
    # What every role sees.
    *(
        Case(f"{name}-{role.partition('@')[0]}", role, f"/acme/{path}", languages=languages)
        for role, languages in ((READER, (EN, IT)), (COMPLIANCE, (EN, IT)))
        for name, path in COMMON.items()
    ),
    Case("today-operator", OPERATOR, "/acme/today"),
    Case("companies", READER, "/"),
    Case("companies-operator", OPERATOR, "/"),
    *(Case(f"today over {span}", READER, f"/acme/today?over={span}") for span in ("month", "year")),
    *(Case(f"call {number}", COMPLIANCE, f"/acme/calls/{number}") for number in range(2, 13)),
    Case("calls filtered", READER, "/acme/calls?line=%2B390212345678&status=PLAYED&reason=not-informed"
         "&since=2026-11-01&until=2026-11-30"),
    Case("calls before", READER, "/acme/calls?before=4"),
    Case("calls none", READER, "/acme/calls?status=FAILED&since=2020-01-01&until=2020-01-02"),
    Case("calls wrong day", READER, "/acme/calls?since=yesterday"),
    Case("live", READER, "/acme/live?after=10"),
    Case("sound of a call", READER, "/acme/calls/1/sound", languages=(EN,)),
    Case("notice version", READER, "/acme/notices/privacy/2026-11"),
    Case("notice difference", READER, "/acme/notices/privacy/2026-11?against=2025", changes=EARLIER),
    Case("notice version not there", READER, "/acme/notices/privacy/2024", languages=(EN,)),
    Case("sound of a notice", READER, "/acme/notices/privacy/2026-11/short/it/sound", languages=(EN,)),
    Case("notices borealis", OPERATOR, "/borealis/notices"),
    Case("today borealis", OPERATOR, "/borealis/today"),
    *(
        Case(f"what-if {name}-{role.partition('@')[0]}", role, "/acme/what-if", fields)
        for role in (READER, COMPLIANCE)
        for name, fields in (
            ("known", {"line": "+390212345678", "number": CALLER.number, "language": ""}),
            ("new", {"line": "+390212345678", "number": "+447911123456", "language": "en",
                     "on": "2027-05-01T08:00"}),
            ("withheld", {"line": "+390212345678", "number": "", "presentation": "withheld"}),
            ("no number", {"line": "+390212345678", "number": ""}),
            ("no line", {"line": "+391", "number": CALLER.number}),
            ("no day", {"line": "+390212345678", "number": CALLER.number, "on": "some day"}),
        )
    ),
    *(
        Case(f"what-if {name}", READER, "/acme/what-if", fields, changes=COUNTRIES)
        for name, fields in (
            ("in a country", {"line": "+390212345678", "number": "", "country": "AL", "on": ""}),
            ("in no country", {"line": "+390212345678", "number": "", "country": "Narnia", "on": ""}),
        )
    ),
    # What compliance sees.
    Case("evidence", COMPLIANCE, "/acme/evidence"),
    Case("proof", COMPLIANCE, "/acme/calls/1/receipt", languages=(EN,)),
    Case("calls as csv", COMPLIANCE, "/acme/calls/file/csv"),
    Case("calls as json", COMPLIANCE, "/acme/calls/file/json", languages=(EN,)),
    Case("calls as nothing", COMPLIANCE, "/acme/calls/file/xls", languages=(EN,)),
    Case("calls of nobody", COMPLIANCE, "/acme/calls/of", {"number": "", "customer": ""}),
    Case("calls of found", COMPLIANCE, "/acme/calls/of", {"number": CALLER.number}, keep="of"),
    Case("calls of", COMPLIANCE, "/acme/calls/of/{of}"),
    Case("calls of as csv", COMPLIANCE, "/acme/calls/of/{of}/file/csv", languages=(EN,)),
    Case("audit begun", COMPLIANCE, "/acme/evidence/audit", {}, keep="job"),
    Case("audit", COMPLIANCE, "/acme/evidence/jobs/{job}"),
    Case("evidence audited", COMPLIANCE, "/acme/evidence"),
    Case("bundle no day", COMPLIANCE, "/acme/evidence/bundle", {"first": "x", "last": "2026-11-30"}),
    Case("bundle begun", COMPLIANCE, "/acme/evidence/bundle",
         {"first": "2026-11-01", "last": "2026-11-30", "language": "{language}"}, keep="job"),
    Case("bundle", COMPLIANCE, "/acme/evidence/jobs/{job}"),
    Case("bundle file", COMPLIANCE, "/acme/evidence/jobs/{job}/file"),
    Case("bundle of nothing begun", COMPLIANCE, "/acme/evidence/bundle",
         {"first": "2020-01-01", "last": "2020-01-31", "language": "{language}"}, keep="job"),
    Case("bundle of nothing", COMPLIANCE, "/acme/evidence/jobs/{job}"),
    # A caller.
    Case("caller search", COMPLIANCE, "/acme/caller"),
    Case("caller search of nobody", COMPLIANCE, "/acme/caller", {"number": "", "customer": ""}),
    Case("caller search of no number", COMPLIANCE, "/acme/caller", {"number": "12ab"}),
    Case("caller found", COMPLIANCE, "/acme/caller", {"number": "{somebody}"}, keep="caller"),
    Case("caller", COMPLIANCE, "/acme/caller/{caller}"),
    Case("caller told form", COMPLIANCE, "/acme/caller/{caller}/told"),
    Case("caller told wrong", COMPLIANCE, "/acme/caller/{caller}/told",
         {"kind": "contract", "notice": "privacy", "reference": "", "on": "2026-02-30"}),
    Case("caller told no reference", COMPLIANCE, "/acme/caller/{caller}/told",
         {"kind": "contract", "notice": "privacy", "reference": "", "on": "2026-11-20"}),
    Case("caller told", COMPLIANCE, "/acme/caller/{caller}/told",
         {"kind": "contract", "notice": "privacy", "reference": "contract 4711", "on": "2026-11-20"}),
    Case("caller after that", COMPLIANCE, "/acme/caller/{caller}?recorded=14"),
    Case("letter form", COMPLIANCE, "/acme/caller/{caller}/letter"),
    Case("letter wrong", COMPLIANCE, "/acme/caller/{caller}/letter",
         {"reference": "{somebody}", "received": "2027-01-01", "verified": "he said {somebody}"}),
    *(
        case
        for code in ("it", "en", "de", "fr", "es")
        for case in (
            Case(f"letter form for {code}", COMPLIANCE, "/acme/caller/{caller}/letter", languages=(EN,)),
            Case(f"letter wished in {code}", COMPLIANCE, "/acme/caller/{caller}/letter",
                 {"language": code, "reference": "2026/17", "received": "2026-11-20",
                  "verified": "called back on the number"}, languages=(EN,), keep="letter"),
            Case(f"letter in {code}", COMPLIANCE, "/acme/letter/{letter}", languages=(EN,)),
            Case(f"letter file in {code}", COMPLIANCE, "/acme/letter/{letter}/file", languages=(EN,)),
        )
    ),
    Case("letter form of an Italian", COMPLIANCE, "/acme/caller/{caller}/letter", languages=(IT,)),
    Case("letter wished", COMPLIANCE, "/acme/caller/{caller}/letter", {"language": "de"}, languages=(IT,),
         keep="letter"),
    Case("letter", COMPLIANCE, "/acme/letter/{letter}", languages=(IT,)),
    # Persons' requests.
    Case("requests", COMPLIANCE, "/acme/requests"),
    Case("request form", COMPLIANCE, "/acme/requests/new"),
    Case("request wrong", COMPLIANCE, "/acme/requests/new", {"number": "12", "received": "2027-01-01"}),
    Case("request opened", COMPLIANCE, "/acme/requests/new",
         {"number": "+393339999999", "kind": "access", "received": "2026-11-20"}, languages=(EN,)),
    Case("request", COMPLIANCE, "/acme/requests/1"),
    Case("requests after that", COMPLIANCE, "/acme/requests"),
    Case("request identified", COMPLIANCE, "/acme/requests/1",
         {"move": "identify", "word": "document"}, languages=(EN,)),
    Case("request for the letter", COMPLIANCE, "/acme/requests/1"),
    Case("request answered", COMPLIANCE, "/acme/requests/1",
         {"move": "letter", "language": "fr"}, languages=(EN,), keep="answer"),
    Case("request answer", COMPLIANCE, "/acme/requests/1/answer/{answer}", languages=(EN,)),
    Case("request answer file", COMPLIANCE, "/acme/requests/1/answer/{answer}/file", languages=(EN,)),
    Case("request closed", COMPLIANCE, "/acme/requests/1",
         {"move": "close", "word": "answered"}, languages=(EN,)),
    Case("request after that", COMPLIANCE, "/acme/requests/1"),
    Case("erasure", COMPLIANCE, "/acme/caller/{caller}/erasure"),
    Case("erasure wrong word", COMPLIANCE, "/acme/caller/{caller}/erasure", {"word": "borealis"}),
    Case("erasure done", COMPLIANCE, "/acme/caller/{caller}/erasure", {"word": "acme"}),
    Case("erased", COMPLIANCE, "/acme/erased/{caller}"),
    Case("caller erased", COMPLIANCE, "/acme/caller/{caller}", languages=(EN,)),
    Case("call erased", COMPLIANCE, "/acme/calls/{erased}"),
    Case("receipt erased", COMPLIANCE, "/acme/calls/{erased}/receipt", languages=(EN,)),
    Case("looked", COMPLIANCE, "/acme/looked"),
    Case("looked filtered", COMPLIANCE, "/acme/looked?account=compliance%40acme&action=erase"),
    # Consents, for which borealis asks.
    Case("consents acme", COMPLIANCE, "/acme/consents"),
    Case("consents", OPERATOR, "/borealis/consents"),
    Case("consents filtered", OPERATOR, "/borealis/consents?choice=offers&answer=granted&from=2026-11-01"
         "&to=2026-11-30"),
    Case("consents none", OPERATOR, "/borealis/consents?answer=refused"),
    Case("consents wrong day", OPERATOR, "/borealis/consents?from=yesterday"),
    *(
        Case(f"consents as {kind}", OPERATOR, f"/borealis/consents/file/{kind}", languages=(EN,))
        for kind in ("csv", "jsonl", "pdf")
    ),
    Case("consents caller form", OPERATOR, "/borealis/caller"),
    Case("consents caller found", OPERATOR, "/borealis/caller", {"number": CALLER.number}, keep="agreed"),
    Case("consents of a caller", OPERATOR, "/borealis/caller/{agreed}"),
    Case("withdrawal form", OPERATOR, "/borealis/caller/{agreed}/withdrawal?choice=offers"),
    Case("withdrawal without reference", OPERATOR, "/borealis/caller/{agreed}/withdrawal",
         {"kind": "operator", "reference": ""}),
    Case("withdrawal done", OPERATOR, "/borealis/caller/{agreed}/withdrawal",
         {"kind": "operator", "reference": "ticket 9"}),
    Case("withdrawal after that", OPERATOR, "/borealis/caller/{agreed}?recorded=4"),
    # Exports that a second person confirms.
    Case("calls to be asked for", COMPLIANCE, "/acme/calls", changes=CONFIRMED),
    Case("exports empty", COMPLIANCE, "/acme/exports", changes=CONFIRMED),
    Case("export without a second person", COMPLIANCE, "/acme/exports"),
    Case("export to be asked for", COMPLIANCE, "/acme/evidence", changes=CONFIRMED),
    Case("export asked", COMPLIANCE, "/acme/evidence/bundle",
         {"first": "2026-11-01", "last": "2026-11-30", "language": "{language}"}, changes=CONFIRMED),
    Case("exports", ADMIN, "/acme/exports", changes=CONFIRMED),
    Case("export confirmed", ADMIN, "/acme/exports", {}, changes=CONFIRMED),
    Case("exports confirmed", COMPLIANCE, "/acme/exports", changes=CONFIRMED),
    Case("calls page", COMPLIANCE, "/acme/calls?before=4", languages=(EN,), changes=CONFIRMED),
    Case("file asked", COMPLIANCE, "/acme/calls/file/csv?before=4", {}, languages=(EN,), changes=CONFIRMED),
    Case("consents page", OPERATOR, "/borealis/consents", languages=(EN,), changes=CONFIRMED),
    Case("consents asked", OPERATOR, "/borealis/consents/file/csv?", {}, languages=(EN,), changes=CONFIRMED),
    # What is not there.
    *(
        Case(f"not there {name}", role, path, languages=languages)
        for name, role, path, languages in (
            ("company", READER, "/nowhere/today", (EN, IT)),
            ("of another company", ADMIN, "/borealis/today", (EN,)),
            ("page", READER, "/acme/nowhere", (EN, IT)),
            ("record", READER, "/acme/calls/999", (EN, IT)),
            ("for a reader", READER, "/acme/evidence", (EN, IT)),
            ("job", COMPLIANCE, "/acme/evidence/jobs/abcdefghijklmnop", (EN, IT)),
            ("forgotten", COMPLIANCE, "/acme/caller/abcdefghijklmnop", (EN, IT)),
            ("sound", READER, "/acme/calls/2/sound", (EN,)),
            ("receipt", COMPLIANCE, "/acme/calls/999/receipt", (EN,)),
            ("invitation", NOBODY, "/invitation/abcdefghijklmnopqrstuvwxyz", (EN, IT)),
        )
    ),
    Case("form of others", READER, "/language", {"language": "it"}, stolen=True),
    Case("form from elsewhere", READER, "/language", {"language": "it"}, languages=(EN,),
         headers={"origin": "https://evil.example"}),
    Case("form of another kind", READER, "/language", {"language": "it"}, languages=(EN,),
         headers={"content-type": "text/plain"}),
    Case("language chosen", READER, "/language", {"language": "{language}", "back": "/acme/today"}),
    Case("logged out", READER, "/logout", {}),
    Case("form of an expired session", READER, "/logout", {}, stolen=True),
    Case("today after logging out", READER, "/acme/today", languages=(EN,)),
)  # fmt: skip

CONSENT = """\
    choices:
      offers:
        asks: consent
        purpose: marketing
        holds: 24 months
        keys: {granted: "4", refused: "5"}
        withdraw_at: "+493012345678"
        versions: [{version: "1", short: {de: prompts/de/short}, withdraw: {de: prompts/de/short}}]
    notices:
"""
"""A consent for which borealis asks."""

NAMES = [(case.name, language) for case in CASES for language in case.languages]

ADMINS_ENTRY = re.compile(r' *<(?:li|p)><a href="/acme/accounts">[^\n]*\n+')

NOT_WALKED = {
    ("GET", "/oidc/login"): "leads to an identity provider: tests/console/test_identity_provider.py",
    ("GET", "/oidc/callback"): "comes from there: the same",
    ("POST", "/oidc/logout"): "for the provider alone: the same",
    ("POST", "/account/passkey"): "needs an authenticator: tests/console/test_browser_passkeys.py",
    ("POST", "/account/passkey/removal"): "the same",
}
"""Routes without a case, each with the reason."""


@contextmanager
def console(folder: Path) -> Iterator[tuple[ServedConsole, Clock]]:
    """Serve the console for the companies, with a stopped clock."""
    with stopped_clock(THURSDAY, BytesBySize()) as clock, chdir(folder):
        build(folder)
        with served(folder) as office:
            yield office, clock


def build(folder: Path) -> None:
    """Build two companies in a folder that `init` made: records of all kinds as in served.py, and some of
    today, one of which is not signed yet. Keys, salts and sounds are fixed, and so are signatures."""
    for name, key in KEYS.items():
        (folder / "keys" / f"{name}.key").write_text(f"{key}\n")
    for seed, sound in numbered(folder / "prompts"):
        write_noise(sound, seed)
    config = folder / "informativa.yaml"
    text = config.read_text().replace("listen: 127.0.0.1:4588", "listen: 127.0.0.1:1")  # nobody is there
    text = CONSENT.join(text.rsplit("    notices:\n", 1))
    config.write_text(f"{text}evidence: {{domain: acme.example, box: pbx-1}}\n")
    company = Company(folder)
    company.played = replace(company.played, prompt="prompts/it/short")  # below the folder, wherever that is
    acme, borealis = (company.configuration.controllers[name] for name in KEYS)
    earlier = [*company.events(), of_caller(company.played, acme, STRANGER)]
    today = [
        replace(
            of_caller(company.played, acme, STRANGER),
            at=THURSDAY - timedelta(minutes=minutes),
            recorded=THURSDAY - timedelta(minutes=minutes - 1),
            call=f"170000{minutes:04}.1",
            linked=f"170000{minutes:04}.1",
        )
        for minutes in (200, 130, 90, 70, 15, 5)
    ]
    company.record(*earlier, *today)
    with closing(storage.store(borealis)) as store:
        played, granted, withdrawn, *_others = (
            replace(of_caller(event, borealis, CALLER), line="+493012345678") for event in company.asked()
        )
        store.append([played, replace(granted, asked=replace(granted.asked, choice="offers"))])
        withdrawn = of_caller(withdrawn, borealis, STRANGER)
        store.append([replace(withdrawn, asked=replace(withdrawn.asked, choice="offers"))])
    logs.checkpoint(borealis)
    for file in (folder / "ledger").rglob("checkpoint*"):  # its time is that of the file
        os.utime(file, times=(SIGNED.timestamp(),) * 2)
    with closing(storage.store(acme)) as store:
        store.append([replace(today[-1], at=THURSDAY, call="1700009999.1", linked="1700009999.1")])


def write_noise(file: Path, seed: int) -> None:
    """Write a second of noise, which is the same on every machine, and so is its digest."""
    file.write_bytes(_noise(seed))


@cache
def _noise(seed: int) -> bytes:
    generator, file = random.Random(seed), io.BytesIO()
    low, high = generator.randbytes(8000), bytes(byte & 15 for byte in generator.randbytes(8000))
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(chain.from_iterable(zip(low, high, strict=True))))
    return file.getvalue()


def _remember_codes(page: httpx.Response, values: dict[str, str]) -> None:
    """Put what a page shows of an app into the values: the code of its secret now, or a recovery code."""
    text = page.text if page.headers.get("content-type", "").startswith("text/html") else ""
    if secret := re.search(r"<code>((?:[A-Z2-7]{4} ?){8})</code>", text):
        key = b32decode(secret[1].replace(" ", ""))
        values["code"] = totp.hotp(key, totp.step(THURSDAY))
    if recovery := re.search(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>", text):
        values["recovery"] = recovery[1]


class Walk:
    """Steps through the console, with a browser for each role and language, and the answers."""

    def __init__(self, office: ServedConsole, folder: Path) -> None:
        self.office, self.folder = office, folder
        self.answers: dict[tuple[str, str], str] = {}
        self.routes: set[tuple[str, str]] = set()
        self._browsers: dict[tuple[str, str], Browser] = {}
        self._values: dict[str, dict[str, str]] = {}

    def take_all(self) -> None:
        """Take the steps of all cases in their order, in one language after the other."""
        self._wait_for_the_machine()
        for language in (EN, IT):
            self._values[language] = {
                "language": language,
                "somebody": {EN: STRANGER, IT: CALLER}[language].number,
                "erased": {EN: "6", IT: "1"}[language],
                "invitation": self._invited(f"nora.{language}"),
            }
            for case in CASES:
                if language in case.languages:
                    with self._changed(case.changes or {}):
                        self.answers[case.name, language] = self._step(case, language)

    @contextmanager
    def _changed(self, changes: Mapping[str, str]) -> Iterator[None]:
        """Have a configuration with these changes for a while."""
        file = self.folder / "informativa.yaml"
        text = changed = file.read_text()
        for old, new in changes.items():
            assert old in changed, old
            changed = changed.replace(old, new, 1)
        if changes:
            file.write_text(changed)
        yield
        if changes:
            file.write_text(text)

    def _wait_for_the_machine(self) -> None:
        """Wait for the first examination of the machine, which runs beside the pages."""
        self._browser(OPERATOR, EN).get("/acme/today")
        deadline = time.monotonic() + PATIENCE
        while self.office.console.jobs.newest("status", "") is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _invited(self, name: str) -> str:
        return self.office.console.accounts.invite(name, {"acme": Role.READER}, THURSDAY + timedelta(days=1))

    def _step(self, case: Case, language: str) -> str:
        browser, values = self._browser(case.role, language), self._values[language]
        path = case.path.format(**values)
        if path.endswith("live?after=10"):
            return self._stream(case, browser, path)
        if case.form is None:
            browser.http.headers.update(case.headers or {})
            answer = self._get(browser, path)
            for header in case.headers or {}:
                del browser.http.headers[header]
        else:
            fields = {name: value.format(**values) for name, value in case.form.items()}
            failures = self._failures(language)
            answer = self._post(case, browser, path, fields)
            if path.startswith("/login") and answer.status_code == 403:  # on record after the answer
                until(lambda: self._failures(language) > failures, PATIENCE, lambda: case.name)
        self._add_route(case.method, path)
        _remember_codes(answer, values)
        if case.keep:
            values[case.keep] = answer.headers["location"].rpartition("/")[2]
        return self._text(case, answer)

    def _failures(self, language: str) -> int:
        """Return how many log-ins failed since the last one, of those who fail here."""
        accounts = map(self.office.console.accounts.get, (READER, f"nora.{language}"))
        return sum(account.history.failures for account in accounts if account)

    def _browser(self, role: str, language: str) -> Browser:
        """Return the browser of a role, which is logged in."""
        browser = self._browsers.get((role, language))
        if browser is None:
            browser = self._browsers[role, language] = self.office.browser(role, language)
            browser.http.follow_redirects = False
            if not role:
                browser.get("/login")
        return browser

    def _get(self, browser: Browser, path: str) -> httpx.Response:
        """Get a page; that of a running job when the job is done."""
        page = browser.open
        while "<progress" in (answer := browser.get(path)).text and "/jobs/" in path:
            time.sleep(0.01)
        if "content-disposition" in answer.headers:  # a file, and no page
            browser.open = page
        return answer

    def _post(self, case: Case, browser: Browser, path: str, typed: dict[str, str]) -> httpx.Response:
        """Send the form of that address, or one without address; in any case with the page's CSRF token."""
        assert browser.open is not None
        forms = browser.forms()
        matches = [form for action in (path, "") for form in forms if form.action == action]
        token = next((form.fields["csrf"] for form in forms if "csrf" in form.fields), "")
        fields = {"csrf": token} | (matches[0].fields if matches else {}) | typed
        if case.stolen:
            fields["csrf"] = "0" * 64
        answer = browser.http.post(path, data=fields, headers=dict(case.headers or {}))
        if answer.headers.get("content-type", "").startswith("text/html"):
            browser.open = answer
        return answer

    def same_for_admins(self) -> Iterator[tuple[str, str]]:
        """Yield each page that an admin shares with compliance, as compliance and as the admin gets it, apart
        from the admin's own pages in the menu."""
        for path in (*COMMON.values(), "evidence", "caller"):
            compliance, admin = (
                ADMINS_ENTRY.sub("", self._masked(self._browser(role, EN).get(f"/acme/{path}").text)).replace(
                    role, "ROLE"
                )
                for role in (COMPLIANCE, ADMIN)
            )
            yield compliance, admin

    def _stream(self, case: Case, browser: Browser, path: str) -> str:
        """Return the first event of a stream for an open page."""
        request = browser.http.build_request("GET", path)
        with closing(browser.http.send(request, stream=True)) as answer:
            lines = []
            for line in answer.iter_lines():
                if not line:
                    break
                lines.append(line)
            self._add_route("GET", path.partition("?")[0])
            return self._masked("\n".join((*self._heading(case, answer), *lines, "")))

    def _add_route(self, method: str, path: str) -> None:
        route_path = next(
            (
                route.path
                for route in ROUTES
                if re.fullmatch(_pattern(route.path), path.partition("?")[0])
                and (route.get if method == "GET" else route.post)
            ),
            "",
        )
        self.routes.add((method, route_path))

    def _text(self, case: Case, answer: httpx.Response) -> str:
        heading = "\n".join(self._heading(case, answer))
        return self._masked(f"{heading}\n\n{_body(answer)}".rstrip() + "\n")

    def _heading(self, case: Case, answer: httpx.Response) -> list[str]:
        lines = [f"{case.method} {case.path} as {case.role or 'nobody'}: {answer.status_code}"]
        for name in HEADERS:
            lines += [f"{name}: {value}" for value in answer.headers.get_list(name)]
        return lines

    def _masked(self, text: str) -> str:
        return masked(text, self.folder)


def masked(text: str, folder: Path) -> str:
    """Return a text without what differs between two runs."""
    text = text.replace(str(folder), "/etc/informativa").replace("\r\n", "␍\n")
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text, flags=re.DOTALL)
    return text


def _pattern(path: str) -> str:
    return re.sub(r"\\{\w+(:number)?\\}", lambda name: "[0-9]+" if name[1] else "[^/]+", re.escape(path))


def _body(answer: httpx.Response) -> str:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind == "application/zip":
        return _unpacked(answer.content)
    if kind.startswith("audio/"):
        return f"({len(answer.content)} bytes of sound)"
    return answer.content.decode()


def _unpacked(data: bytes) -> str:
    """Return the names of all files of an archive, and its texts."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        texts = {name: archive.read(name) for name in names if name.endswith((".txt", ".csv", "checkpoint"))}
    parts = [f"==== {name} ====\n{text.decode()}" for name, text in texts.items() if "/prompts/" not in name]
    return "\n".join((*names, "", *parts))
