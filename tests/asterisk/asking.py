"""A PBX with lines that ask something by key, the callers who answer, and what becomes of their answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from informativa.model import Event
from lab import audio
from lab.line import Sent
from lab.phone import Call

from .pages import configure
from .site import Site

NOTICE, QUESTION = 0.6, 1.2  # seconds
ACME, ABROAD = "0212345678", "0212345679"
"""The called numbers: one asks for a consent, the other where the caller wants to be answered."""
FIRST = 393330000100
"""The first caller's number."""
NO, YES, EU, NOTHING = "5", "4", "2", "9"
"""The keys; the last one means nothing."""
CONFIGURATION = f"""
controllers:
  acme:
    choices:
      abroad:
        asks: operator
        keys: {{eu: "{EU}"}}
        wait: 6 seconds
        versions: [{{version: "1", short: {{it: prompts/it/abroad}}}}]
      marketing:
        asks: consent
        purpose: marketing
        holds: 24 months
        vouched: nobody
        keys: {{granted: "{YES}", refused: "{NO}"}}
        wait: 6 seconds  # room for a key on a busy machine; each caller's silence costs as much
        withdraw_at: "+390212345678"
        versions:
          - version: "1"
            short: {{it: prompts/it/marketing}}
            withdraw: {{it: prompts/it/withdraw}}
    notices:
      country:
        versions: [{{version: "1", purposes: [country], short: {{it: prompts/it/country}}}}]
      privacy:
        versions: [{{version: "1", purposes: [service, marketing], short: {{it: prompts/it/privacy}}}}]
lines:
  "+390212345678":
    plan: [{{notice: privacy, when: once}}, {{choice: marketing}}]
  "+390212345679":
    controller: acme
    language: it
    region: IT
    plan: [{{notice: country, when: always}}, {{choice: abroad}}]
"""
EXTENSIONS = """\
[from-lab]
exten => _[+0-9a-zA-Z].,1,Set(CHANNEL(hangup_handler_push)=over,s,1)
 same => n,ExecIf($["${PJSIP_HEADER(read,X-Keys)}" != ""]?Set(PJSIP_DTMF_MODE()=${PJSIP_HEADER(read,X-Keys)}))
 same => n,Goto(lines,${EXTEN},1)

[lines]
exten => _[+0-9].,1,Gosub(informativa,s,1(${EXTEN}))
 same => n,Playback(%(after)s)
 same => n,Hangup()
exten => withdraw,1,Gosub(informativa,consent,1(0212345678))
 same => n,Playback(%(after)s)
 same => n,Hangup()

[over]
exten => s,1,UserEvent(Over,Caller:${CALLERID(num)},Status:${INFORMATIVA_STATUS},\
Reason:${INFORMATIVA_REASON},Choices:${INFORMATIVA_CHOICES},Heard:${INFORMATIVA_HEARD})
 same => n,Return()

%(informativa)s
"""


@dataclass(frozen=True)
class Answered:
    """The outcome of a call: the dialplan's variables, and how many seconds of each prompt were heard."""

    status: str
    reason: str
    choices: str
    claims: str = field(compare=False)
    heard: Mapping[str, list[float]] = field(compare=False)

    @property
    def answer(self) -> str:
        """The last claim, which is of the answer to a choice: `marketing:3`."""
        return self.claims.split(" ")[-1]


Act = Callable[[Call, Sent], None]
"""The acts of a caller whose telephone sends keys so."""
MODES = {Sent.EVENT: "rfc4733", Sent.TONE: "inband", Sent.BOTH: "inband"}
"""Asterisk's `dtmf_mode` that takes such keys. The last one takes a key that is sent in both ways for two."""


def press(key: str, after: float = 0.0, before: float = NOTICE, seconds_down: float = 0.1) -> Act:
    """Press a key `after` seconds, when `before` seconds were heard."""

    def act(call: Call, sent: Sent) -> None:
        call.wait_heard(before, 30)
        time.sleep(after)
        call.press(key, seconds_down, sent)

    return act


def hang_up(after: float = 0.0, before: float = NOTICE) -> Act:
    """Hang up `after` seconds, when `before` seconds were heard."""

    def act(call: Call, _sent: Sent) -> None:
        call.wait_heard(before, 30)
        time.sleep(after)
        call.hang_up()

    return act


def listen(_call: Call, _sent: Sent) -> None:
    """Do nothing."""


def lay(site: Site) -> Site:
    """Give a PBX lines that ask."""
    prompts = {
        "privacy": NOTICE,
        "country": NOTICE,
        "marketing": QUESTION,
        "abroad": QUESTION,
        "withdraw": 5.0,  # room for a key in it
    }
    for seed, (name, seconds) in enumerate(prompts.items(), 101):
        site.prompt(f"it/{name}", seed, seconds)
    configure(site, CONFIGURATION)
    after = str(site.office.folder / "prompts/after")
    audio.write_wav(site.office.folder / "prompts/after.wav", site.prompts["after"])
    site.pbx.reload_dialplan(EXTENSIONS % {"after": after, "informativa": site.office.dialplan()})
    return site


def ring(
    site: Site, acts: Mapping[str, Act], to: str = ACME, sent: Sent = Sent.EVENT, first: int = FIRST
) -> dict[str, Answered]:
    """Have one caller for each name ring at the same time and do what he does; what each call came to. Their
    numbers begin with `first`. Each caller has a thread of his own, for dialling too: a busy machine may take
    seconds to dial, in which the call before goes on."""
    site.pbx.forget_events()
    numbers = {name: f"+{first + place}" for place, name in enumerate(acts)}

    def call(name: str) -> Call:
        dialled = site.phone().dial(to, numbers[name], extra_headers=[f"X-Keys: {MODES[sent]}"])
        acts[name](dialled, sent)
        return dialled

    with ThreadPoolExecutor(len(acts)) as callers:
        calls = dict(zip(acts, callers.map(call, acts), strict=True))
    return {name: over(site, calls[name], numbers[name]) for name in acts}


def over(site: Site, call: Call, number: str) -> Answered:
    """Wait for the end of this caller's call, and see what it came to."""
    call.wait_ended(60)
    event = site.pbx.wait_event(lambda event: event.get("Caller") == number)
    heard = {name: site.heard(call, name) for name in site.prompts}
    claims, answers = event["Heard"], event["Choices"]
    return Answered(event["Status"], event["Reason"], answers, claims, {k: v for k, v in heard.items() if v})


def answers(site: Site) -> dict[str, Event]:
    """The answers on record, each by the words in which a channel claims it: `marketing:3`."""
    records = [(record.number, record.event) for record in site.office.records()]
    return {f"{event.asked.choice}:{number}": event for number, event in records if event.asked}
