"""Turns at work beside the calls: one company's holds up and ends none of the others' (I10)."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from structlog.testing import capture_logs

from informativa.system import turns
from informativa.system.turns import Turns


def test_i10_work_that_does_not_end_holds_up_the_next_company_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """I10: acme's work goes on beside and is not begun again meanwhile, which is logged once; borealis's is
    done."""
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.05)

    async def story() -> list[str]:
        over, began, turns = asyncio.Event(), list[str](), Turns("purge")

        async def work(company: str) -> str:
            began.append(company)
            if company == "acme":
                await over.wait()
            return company

        outcomes = [
            await turns.take(company, partial(work, company))
            for company in ("acme", "borealis", "acme", "borealis")
        ]
        assert outcomes == [None, "borealis", None, "borealis"]
        over.set()
        await turns.over("acme")
        assert await turns.take("acme", partial(work, "acme")) == "acme"
        return began

    with capture_logs() as logged:
        assert asyncio.run(story()) == ["acme", "borealis", "borealis", "acme"]
    assert [(one["controller"], one["work"]) for one in logged] == [("acme", "purge")]


def test_i10_defect_in_one_companys_turn_is_logged_once_with_its_name() -> None:
    """I10: for as long as it is the same, and anew after a turn without it; the next company has its turn."""

    async def story() -> None:
        turns = Turns("signing")

        async def work(error: Exception | None) -> int:
            if error is not None:
                raise error
            return 7

        for error in (KeyError("a"), KeyError("a"), MemoryError(), None, MemoryError()):
            assert await turns.take("acme", partial(work, error)) == (None if error else 7)
            assert await turns.take("borealis", partial(work, None)) == 7

    with capture_logs() as logged:
        asyncio.run(story())
    facts = [(one["event"], one["controller"], one["work"], repr(one["exc_info"])) for one in logged]
    assert facts == [
        ("a defect of informativa", "acme", "signing", "KeyError('a')"),
        ("a defect of informativa", "acme", "signing", "MemoryError()"),
        ("a defect of informativa", "acme", "signing", "MemoryError()"),
    ]
