"""The demo's third company: an AI answers, calls are recorded, callers are asked whether they want offers.

Its configuration is made as an admin makes it: by `informativa prompts build` and `notices add`. Its dialplan
is that of dialplan/choices.conf.
"""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from lab.office import Office

NAME = "Corallo"
AI, RECORDED, OFFERS, WITHDRAW = "+390612341", "+390612342", "+390612343", "+390612344"
"""The called numbers; the last is that of callers who take back what they agreed to."""

_CONTROLLER = """\
  corallo:
    name: Corallo S.r.l.
    outsourcing:
      processor: Acme S.p.A.
      contract: {reference: "2026/31", date: 2026-10-01}
      analysis: {reference: "2026/30", date: 2026-09-15}
    key: keys/corallo.key
    ledger: ledger/corallo.sqlite3
    retention: 5 years
    time_zone: Europe/Rome
    notices:
      privacy:
        versions:
          - version: "2026-11"
            purposes: [service, marketing]
            short: {it: prompts/corallo/privacy-2026-11/it/short}
            short_nokey: {it: prompts/corallo/privacy-2026-11/it/short-nokey}
            full: {it: prompts/corallo/privacy-2026-11/it/full}

"""
_LINE = """
  "{number}":
    controller: corallo
    language: it
    region: IT
    callers: either
    plan:
      - notice: privacy
    keys: {{full: "1"}}
"""
_AT = ("--controller", "corallo")
_VERSION = ("--version", "2026-11")
_PRIVACY = ("--site", "corallo.example", "--purposes", "service,marketing")
_PARTS = {
    "full": ("--set", "contact=privacy@corallo.example", "--set", "safeguards=none"),
    "short": (),
    "short-nokey": (),
}
"""The texts of the privacy notice, the longest first, and the values that each needs."""
_NOTICES = (
    ("ai", AI, "human=8"),
    ("recording", RECORDED, "no=7", "months=6 months", "silence=recorded"),
    ("marketing", OFFERS, "yes=4", "no=5", f"withdraw_at={WITHDRAW}"),
)
"""The line and the values that each notice of today needs, by its name."""
_PROMPTS = {
    "ai": "it/ai",
    "human": "corallo/human-*/it/short",
    "recorded": "corallo/recorded-*/it/short",
    "privacy": "corallo/privacy-*/it/short",
    "marketing": "corallo/marketing-*/it/short",
    "withdraw": "corallo/marketing-*/it/withdraw",
    "withdrawn": "corallo/marketing-*/it/withdrawn",
}

EXAMPLES = Path(__file__).resolve().parents[2] / "dialplan/choices.conf"
# The carrier of this trunk checks its callers' numbers: without that nobody vouches for who agrees.
# What became of a call is told at its end, wherever that is.
_ENTRY = """\
[from-lab]
exten => {line},1,Set(STEP=${{PJSIP_HEADER(read,X-Step)}})
 same => n,Set(CALLERID(num-pres)=allowed_passed_screen)
 same => n,Set(CHANNEL(hangup_handler_push)=answered,s,1)
 same => n,Goto({context},${{EXTEN}},1)

"""
_AROUND = """\
[answered]
exten => s,1,UserEvent(Answered,Step:${STEP},Status:${INFORMATIVA_STATUS},Choices:${INFORMATIVA_CHOICES},\
Person:${MEMBERNAME},Channel:${UNIQUEID},Recording:${MIXMONITOR_FILENAME})
 same => n,Return()

[staff]
exten => person,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()

"""
_CONTEXTS = {
    AI: "choices-agi",
    RECORDED: "choices-recording",
    OFFERS: "choices-recording",
    WITHDRAW: "choices-withdraw",
}
FILES = {
    "queues.conf": """\
[general]
[customer-care]
setinterfacevar = yes
member => Local/person@staff/n,0,person
"""
}
"""Asterisk's configuration of the queue in which a person answers."""


def lay(office: Office) -> None:
    """Add the company to a configuration. Raises OfficeError."""
    office.edit("\n# What is recorded is signed", f"\n{_CONTROLLER}# What is recorded is signed")
    lines = "".join(_LINE.format(number=number) for number in _CONTEXTS)
    office.config.write_text(office.config.read_text(encoding="utf-8") + lines, encoding="utf-8")
    office.command("keys", "make", "corallo", "-c", office.config)

    def speak(part: str) -> None:
        values = (*_VERSION, *_PRIVACY, *_PARTS[part])
        office.command("prompts", "build", *_AT, "--part", part, *values, "-c", office.config)

    with ThreadPoolExecutor(2) as threads:
        for spoken in [threads.submit(speak, part) for part in _PARTS]:
            spoken.result()
    for notice, line, *values in _NOTICES:
        settings = (word for value in values for word in ("--set", value))
        office.command(
            "notices", "add", notice, *_AT, "--line", line, *settings, "--yes", "-c", office.config
        )
    office.command("prompts", "build", *_AT, "--part", "withdrawn", "-c", office.config)


def prompts(office: Office) -> dict[str, Path]:
    """Return the files of all that the company's callers may hear, by the name of the notice or choice."""
    folder = office.folder / "prompts"
    return {name: next(folder.glob(f"{pattern}.wav")) for name, pattern in _PROMPTS.items()}


def dialplan(office: Office, agent: int) -> str:
    """Return the shipped examples, for this company's lines and a voice agent at a port."""
    examples = EXAMPLES.read_text(encoding="utf-8").replace("#tryinclude informativa.conf", "")
    withdrawn = prompts(office)["withdrawn"].with_suffix("")
    examples = re.sub(r"Playback\(.*/withdrawn\)", f"Playback({withdrawn})", examples)
    examples = examples.replace("agi://127.0.0.1:4599/", f"agi://127.0.0.1:{agent}/")
    entries = (_ENTRY.format(line=line, context=context) for line, context in _CONTEXTS.items())
    return "".join((*entries, _AROUND, examples))


class _Conversation(socketserver.StreamRequestHandler):
    """One call of a voice agent, which listens for a second."""

    def handle(self) -> None:
        assert isinstance(self.server, VoiceAgent)
        while line := self.rfile.readline().decode().strip():
            name, _, fact = line.partition(": ")
            if name == "agi_uniqueid":
                self.server.calls.add(fact)
        self.wfile.write(b"EXEC Wait 1\n")
        self.rfile.readline()


class VoiceAgent(socketserver.ThreadingTCPServer):
    """The machine that answers callers, by FastAGI on a free port; `calls` are the channels that it had."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.calls = set[str]()
        self.port = int(self.server_address[1])

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer calls for a while."""
        thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self.server_close()
