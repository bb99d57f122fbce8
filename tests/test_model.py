"""The whole of a caller's history against a simple model of it, step by step."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from doubles import (
    ScriptedSession,
    SteadyRecordings,
    SteppingClock,
    heard_whole,
    hung_up,
    incoming,
    line,
    notice,
    version,
)
from informativa.call.answering import CallServices, answer
from informativa.call.caller import pseudonym
from informativa.ledgers.erasure import erase
from informativa.ledgers.sqlite import SqliteLedger
from informativa.model import Identified, Notice, Status
from lab.chance import by_day

CALLERS = ["+393330000001", "+393330000002"]


class Office(RuleBasedStateMachine):
    """Callers ring, hang up, are erased; the notice gets new versions. A dictionary says what they know."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = SqliteLedger(f"{self.folder.name}/l.sqlite3")
        self.notice = notice(version("1"))
        self.informed: dict[str, set[str]] = {}
        self.since: dict[str, int] = {}
        self.clock = SteppingClock()

    def teardown(self) -> None:
        """Let go of the file."""
        self.ledger.close()
        self.folder.cleanup()

    def call(self, number: str, session: ScriptedSession) -> Status:
        """One call to the line as the notice is now."""
        own = line(self.notice)
        session.call = incoming(number)
        services = CallServices(
            {own.number: own}, {"acme": self.ledger}, self.clock, recordings=SteadyRecordings()
        )
        return asyncio.run(answer(session, services)).status

    def due(self, number: str) -> bool:
        """Return whether it is due by the model: never told, the newest version told to him lacks a purpose
        (which one before it may have had), or a material change came since."""
        if number not in self.since:
            return True
        current, newest = self.notice.versions[-1], self.since[number]
        material = any(one.material for one in self.notice.versions[newest + 1 :])
        return not current.purposes <= self.notice.versions[newest].purposes or material

    @rule(number=st.sampled_from(CALLERS), listens=st.booleans())
    def rings(self, number: str, listens: bool) -> None:
        """A caller rings, and hears it out or hangs up."""
        expected = self.due(number)
        short = self.notice.versions[-1].short["it"]
        session = ScriptedSession(playbacks=[heard_whole(short) if listens else hung_up(3)])
        status = self.call(number, session)
        assert bool(session.played) == expected
        if not expected:
            assert status is Status.NOTDUE
        elif listens:
            assert status is Status.PLAYED
            self.informed[number] = self.informed.get(number, set()) | self.notice.versions[-1].purposes
            self.since[number] = len(self.notice.versions) - 1
        else:
            assert status is Status.PARTIAL

    @rule()
    def somebody_withheld_rings(self) -> None:
        """Ring as somebody who cannot be recognised: he always hears it, and changes nothing for others."""
        session = ScriptedSession()
        assert self.call("unknown", session) is Status.PLAYED
        assert session.played

    @rule(
        purposes=st.sets(st.sampled_from(["service", "marketing", "resale"]), min_size=1),
        material=st.booleans(),
    )
    def new_version(self, purposes: set[str], material: bool) -> None:
        """The company changes its notice."""
        versions = self.notice.versions
        if len(versions) < 6:
            added = version(str(len(versions) + 1), *purposes, material=material)
            self.notice = Notice("privacy", (*versions, added))

    @rule(number=st.sampled_from(CALLERS))
    def is_erased(self, number: str) -> None:
        """A caller asks to be erased."""
        key = line().controller.key
        erase(self.ledger._store().file, [pseudonym(Identified(number), key)], self.clock.now())
        self.informed.pop(number, None)
        self.since.pop(number, None)

    @rule(days=st.integers(-400, 400))
    def clock_jumps(self, days: int) -> None:
        """The machine's clock is set."""
        self.clock.at += timedelta(days=days)

    @invariant()
    def the_ledger_knows_what_the_model_knows(self) -> None:
        """Require that each caller was told the same in both."""
        for number in CALLERS:
            caller = pseudonym(Identified(number), line().controller.key)
            known = asyncio.run(self.ledger.history(caller)).get("privacy")
            assert (set(known.purposes) if known else None) == self.informed.get(number)


TestOffice = Office.TestCase
TestOffice.pytestmark = [pytest.mark.slow]
TestOffice.settings = settings(max_examples=by_day(12, at_night=25), stateful_step_count=25, deadline=None)
