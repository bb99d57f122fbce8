"""A walk through the console that is the same each time, and what every answer says.

The companies, their keys, their calls and the time are fixed (`laid`, clock.py); whoever walks does one
step after the other, each with the browser of its own role and language (`CASES`). What still differs from
run to run is covered, and only that (`COVERED`).
"""

from __future__ import annotations

import io
import os
import random
import re
import time
import wave
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from pathlib import Path

import httpx

from console.served import CALLER, PASSWORD, PATIENCE, STRANGER, Browser, ServedConsole, of_caller, served
from evidence.receipts import Company
from golden.stopped_clock import THURSDAY, BytesBySize, Clock, stopped_clock
from informativa import __version__, storage
from informativa.console.routes import ROUTES
from informativa.model import Role
from informativa.operations.evidence import logs

EN, IT = "en", "it"
READER, COMPLIANCE, ADMIN, OPERATOR, NOBODY = (
    "reader@acme", "compliance@acme", "admin@acme", "operator", "",
)  # fmt: skip
KEYS = {"acme": "a1" * 32, "borealis": "b2" * 32}
SIGNED = THURSDAY - timedelta(minutes=3)
HEADERS = ("content-type", "content-disposition", "location", "cache-control", "set-cookie")
"""Those of an answer that are its own; what guards every answer is in console/test_routes.py."""

COVERED: tuple[tuple[str, str], ...] = (
    (r'(name="csrf" value=")[0-9a-f]{64}', r"\1CSRF"),  # of one browser
    (r"(set-cookie: (?:session|browser)=)[^;\n]+", r"\1COOKIE"),  # of a session, or of a known browser
    (r"(/(?:caller|of|letter|erased|jobs)/)[A-Za-z0-9_-]{16}\b", r"\1NAME"),  # what one session remembers
    (r'(name="once" value=")[A-Za-z0-9_-]{12}', r"\1ONCE"),  # a form that is sent once
    (r"(/invitation/)[A-Za-z0-9_-]{22,}", r"\1TOKEN"),
    (r'(name="secret" value="|secret=)[A-Z2-7]{32}', r"\1SECRET"),  # of an app, for codes
    (r"(?<=<code>)(?:[A-Z2-7]{4} ?){8}(?=</code>)", "SECRET"),
    (re.escape(__version__), "VERSION"),
    (r"127\.0\.0\.1:\d{4,5}(?=/)", "127.0.0.1:PORT"),  # where this console listens
    (r"(<style>).*?(</style>)", r"\1STYLE\2"),  # files of ours, which say for themselves what they are
    (r"(<script>).*?(</script>)", r"\1SCRIPT\2"),
    (r"('sha256-)[A-Za-z0-9+/=]{44}", r"\1DIGEST"),  # of these files
    (r"(</(?:p|li|h\d|dd|div|section|tr|option|details)>)(?=<)", "\\1\n"),  # a receipt's page is one line
    (r"(data:audio/wav;base64,)[A-Za-z0-9+/=]+", r"\1SOUND"),
)
"""What no two runs have in common, or what is a file of ours itself. All else stands as it was said."""


COMMON = {
    "today": "today",
    "calls": "calls",
    "call": "calls/1",
    "notices": "notices",
    "what-if": "what-if",
    "company": "company",
}
"""Pages that every role has; what an admin of one company sees is what its compliance officer sees."""


@dataclass(frozen=True)
class Case:
    """One step: who asks for what. Braces in `path` and in what is typed stand for what came before in the
    same browser: `{caller}` is the last part of the address to which the step with `keep="caller"` led.
    `form` is typed into the form of the page before that goes to `path`, if `form` is not `None`."""

    name: str
    who: str
    path: str
    form: Mapping[str, str] | None = None
    languages: tuple[str, ...] = (EN, IT)
    keep: str = ""
    headers: Mapping[str, str] | None = None
    stolen: bool = False
    """The form has somebody else's mark in place of this browser's."""

    @property
    def method(self) -> str:
        """As HTTP has it."""
        return "GET" if self.form is None else "POST"


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
    Case("invitation wrong code", NOBODY, "/invitation/{invitation}",
         {"password": PASSWORD, "again": PASSWORD, "code": "000000"}),
    Case("invitation taken", NOBODY, "/invitation/{invitation}", {"password": PASSWORD, "again": PASSWORD}),
    Case("invitation used", NOBODY, "/invitation/{invitation}"),
    # What every role sees.
    *(
        Case(f"{name}-{who.partition('@')[0]}", who, f"/acme/{path}", languages=spoken)
        for who, spoken in ((READER, (EN, IT)), (COMPLIANCE, (EN, IT)))
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
    Case("sound of a notice", READER, "/acme/notices/privacy/2026-11/short/it/sound", languages=(EN,)),
    Case("worksheet acme", READER, "/acme/company/worksheet"),
    Case("company borealis", OPERATOR, "/borealis/company"),
    Case("worksheet borealis", OPERATOR, "/borealis/company/worksheet"),
    Case("today borealis", OPERATOR, "/borealis/today"),
    *(
        Case(f"what-if {name}-{who.partition('@')[0]}", who, "/acme/what-if", fields)
        for who in (READER, COMPLIANCE)
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
    # What compliance sees.
    Case("evidence", COMPLIANCE, "/acme/evidence"),
    Case("verified", COMPLIANCE, "/acme/calls/1/verify"),
    Case("verify before it is signed", COMPLIANCE, "/acme/calls/13/verify"),
    *(
        Case(f"receipt {number}", COMPLIANCE, f"/acme/calls/{number}/receipt/html")
        for number in (1, 2, 3, 4, 5, 10)
    ),
    Case("proof", COMPLIANCE, "/acme/calls/1/receipt/proof", languages=(EN,)),
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
        each
        for code in ("it", "en", "de", "fr", "es")
        for each in (
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
    Case("erasure", COMPLIANCE, "/acme/caller/{caller}/erasure"),
    Case("erasure wrong word", COMPLIANCE, "/acme/caller/{caller}/erasure", {"word": "borealis"}),
    Case("erasure done", COMPLIANCE, "/acme/caller/{caller}/erasure", {"word": "acme"}),
    Case("erased", COMPLIANCE, "/acme/erased/{caller}"),
    Case("caller erased", COMPLIANCE, "/acme/caller/{caller}", languages=(EN,)),
    Case("call erased", COMPLIANCE, "/acme/calls/{erased}"),
    Case("receipt erased", COMPLIANCE, "/acme/calls/{erased}/receipt/html"),
    Case("looked", COMPLIANCE, "/acme/looked"),
    Case("looked filtered", COMPLIANCE, "/acme/looked?account=compliance%40acme&action=erase"),
    # The machine.
    Case("health", OPERATOR, "/health", languages=(EN, IT)),
    # What is not there.
    *(
        Case(f"not there {name}", who, path, languages=spoken)
        for name, who, path, spoken in (
            ("company", READER, "/nowhere/today", (EN, IT)),
            ("of another company", ADMIN, "/borealis/today", (EN,)),
            ("page", READER, "/acme/nowhere", (EN, IT)),
            ("record", READER, "/acme/calls/999", (EN, IT)),
            ("for a reader", READER, "/acme/evidence", (EN, IT)),
            ("machine", ADMIN, "/health", (EN,)),
            ("job", COMPLIANCE, "/acme/evidence/jobs/abcdefghijklmnop", (EN, IT)),
            ("forgotten", COMPLIANCE, "/acme/caller/abcdefghijklmnop", (EN, IT)),
            ("sound", READER, "/acme/calls/2/sound", (EN,)),
            ("receipt", COMPLIANCE, "/acme/calls/1/receipt/pdf", (EN,)),
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

NAMES = [(each.name, language) for each in CASES for language in each.languages]

NOT_WALKED = {
    ("POST", "/health"): "what the doctor finds is the machine's",
}
"""Routes of which no answer is kept, each with the reason."""


@contextmanager
def site(folder: Path) -> Iterator[tuple[ServedConsole, Clock]]:
    """The console over the companies, while the clock stands."""
    with stopped_clock(THURSDAY, BytesBySize()) as clock, chdir(folder):
        lay(folder)
        with served(folder) as office:
            yield office, clock


def lay(folder: Path) -> None:
    """Two companies of a folder as `init` lays it: records of all kinds as in served.py, and some of
    today, one of which is not signed yet. Keys, salts and sounds are fixed, and so is all that is signed."""
    for name, key in KEYS.items():
        (folder / "keys" / f"{name}.key").write_text(f"{key}\n")
    for seed, sound in enumerate(sorted((folder / "prompts").glob("*/*.wav"))):
        hiss(sound, seed)
    config = folder / "informativa.yaml"
    text = config.read_text().replace("listen: 127.0.0.1:4588", "listen: 127.0.0.1:1")  # where nobody is
    config.write_text(f"{text}evidence: {{domain: acme.example, box: pbx-1}}\n")
    company = Company(folder)
    company.played = replace(company.played, prompt="prompts/it/short")  # below the folder, wherever that is
    own, other = (company.configuration.controllers[name] for name in KEYS)
    earlier = [*company.events(), of_caller(company.played, own, STRANGER)]
    today = [
        replace(
            of_caller(company.played, own, STRANGER),
            at=THURSDAY - timedelta(minutes=minutes),
            recorded=THURSDAY - timedelta(minutes=minutes - 1),
            call=f"170000{minutes:04}.1",
            linked=f"170000{minutes:04}.1",
        )
        for minutes in (200, 130, 90, 70, 15, 5)
    ]
    company.record(*earlier, *today)
    with closing(storage.store(other)) as store:
        store.append([replace(of_caller(company.played, other, CALLER), line="+493012345678")])
    logs.checkpoint(other)
    for file in (folder / "ledger").rglob("checkpoint*"):  # when it was signed is when it was written
        os.utime(file, times=(SIGNED.timestamp(),) * 2)
    with closing(storage.store(own)) as store:
        store.append([replace(today[-1], at=THURSDAY, call="1700009999.1", linked="1700009999.1")])


def hiss(file: Path, seed: int) -> None:
    """A second of sound, made of whole numbers: the same on every machine, and so are digests of it."""
    dice = random.Random(seed)
    low, high = dice.randbytes(8000), bytes(each & 15 for each in dice.randbytes(8000))
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(chain.from_iterable(zip(low, high, strict=True))))


class Walk:
    """Takes each step, with a browser for each role and language, and keeps what was answered."""

    def __init__(self, office: ServedConsole, folder: Path) -> None:
        self.office, self.folder = office, folder
        self.said: dict[tuple[str, str], str] = {}
        self.walked: set[tuple[str, str]] = set()
        self._browsers: dict[tuple[str, str], Browser] = {}
        self._kept: dict[str, dict[str, str]] = {}

    def all(self) -> None:
        """Every case, in its order, one language after the other."""
        self._wait_for_the_machine()
        for language in (EN, IT):
            self._kept[language] = {
                "language": language,
                "somebody": {EN: STRANGER, IT: CALLER}[language].number,
                "erased": {EN: "6", IT: "1"}[language],
                "invitation": self._invited(f"nora.{language}"),
            }
            for each in CASES:
                if language in each.languages:
                    self.said[each.name, language] = self._step(each, language)

    def _wait_for_the_machine(self) -> None:
        """It is looked at beside the pages, which say what was found last."""
        self._browser(OPERATOR, EN).get("/health")
        until = time.monotonic() + PATIENCE
        while self.office.console.jobs.newest("status", "") is None:
            assert time.monotonic() < until
            time.sleep(0.01)

    def _invited(self, name: str) -> str:
        return self.office.console.accounts.invite(name, {"acme": Role.READER}, THURSDAY + timedelta(days=1))

    def _step(self, case: Case, language: str) -> str:
        browser, kept = self._browser(case.who, language), self._kept[language]
        path = case.path.format(**kept)
        if path.endswith("live?after=10"):
            return self._streamed(case, browser, path)
        if case.form is None:
            answer = self._patient(browser, path)
        else:
            typed = {name: value.format(**kept) for name, value in case.form.items()}
            answer = self._sent(case, browser, path, typed)
        self._note(case.method, path)
        if case.keep:
            kept[case.keep] = answer.headers["location"].rpartition("/")[2]
        return self._told(case, answer)

    def _browser(self, who: str, language: str) -> Browser:
        """Somebody's, as he came in."""
        found = self._browsers.get((who, language))
        if found is None:
            found = self._browsers[who, language] = self.office.browser(who, language)
            found.http.follow_redirects = False
            if not who:
                found.get("/login")
        return found

    def _patient(self, browser: Browser, path: str) -> httpx.Response:
        """A page of work that goes on is looked at when it is done."""
        before = browser.open
        while "<progress" in (answer := browser.get(path)).text and "/jobs/" in path:
            time.sleep(0.01)
        if "content-disposition" in answer.headers:  # a file, and no page
            browser.open = before
        return answer

    def _sent(self, case: Case, browser: Browser, path: str, typed: dict[str, str]) -> httpx.Response:
        """The form of that address, or that of none, with at least the mark that all forms of a page have."""
        assert browser.open is not None
        forms = browser.forms()
        own = [each for action in (path, "") for each in forms if each.action == action]
        mark = next((each.fields["csrf"] for each in forms if "csrf" in each.fields), "")
        fields = {"csrf": mark} | (own[0].fields if own else {}) | typed
        if case.stolen:
            fields["csrf"] = "0" * 64
        answer = browser.http.post(path, data=fields, headers=dict(case.headers or {}))
        if answer.headers.get("content-type", "").startswith("text/html"):
            browser.open = answer
        return answer

    def same_for_admins(self) -> Iterator[tuple[str, str]]:
        """Each page that an admin shares with the compliance officer, as either has it."""
        for path in (*COMMON.values(), "evidence", "caller"):
            compliance, admin = (
                self._covered(self._browser(who, EN).get(f"/acme/{path}").text).replace(who, "WHO")
                for who in (COMPLIANCE, ADMIN)
            )
            yield compliance, admin

    def _streamed(self, case: Case, browser: Browser, path: str) -> str:
        """What a page that is open is told at once."""
        request = browser.http.build_request("GET", path)
        with closing(browser.http.send(request, stream=True)) as answer:
            lines = []
            for line in answer.iter_lines():
                if not line:
                    break
                lines.append(line)
            self._note("GET", path.partition("?")[0])
            return self._covered("\n".join((*self._heading(case, answer), *lines, "")))

    def _note(self, method: str, path: str) -> None:
        found = next(
            (
                each.path
                for each in ROUTES
                if re.fullmatch(_pattern(each.path), path.partition("?")[0])
                and (each.get if method == "GET" else each.post)
            ),
            "",
        )
        self.walked.add((method, found))

    def _told(self, case: Case, answer: httpx.Response) -> str:
        heading = "\n".join(self._heading(case, answer))
        return self._covered(f"{heading}\n\n{_body(answer)}".rstrip() + "\n")

    def _heading(self, case: Case, answer: httpx.Response) -> list[str]:
        lines = [f"{case.method} {case.path} as {case.who or 'nobody'}: {answer.status_code}"]
        for name in HEADERS:
            lines += [f"{name}: {value}" for value in answer.headers.get_list(name)]
        return lines

    def _covered(self, text: str) -> str:
        return covered(text, self.folder)


def covered(text: str, folder: Path) -> str:
    """The same without what differs from run to run."""
    text = text.replace(str(folder), "/etc/informativa").replace("\r\n", "␍\n")
    for pattern, instead in COVERED:
        text = re.sub(pattern, instead, text, flags=re.DOTALL)
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
    """The names of all files of an archive, and what its texts say."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        texts = {name: archive.read(name) for name in names if name.endswith((".txt", ".csv", "checkpoint"))}
        own = {name: text for name, text in texts.items() if "/prompts/" not in name}
    told = [f"==== {name} ====\n{text.decode()}" for name, text in own.items()]
    return "\n".join((*names, "", *told))
