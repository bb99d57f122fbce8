"""A turn of signing that has nothing to do costs next to nothing: a company has one a minute."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from examples import PLAYED
from informativa.config import load
from informativa.evidence.settings import EvidenceConfig
from informativa.model import Controller
from informativa.process import maintenance, storage
from informativa.system.turns import OnceLogged


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The companies of the turns that looked into the ledger, in order."""
    sign, companies = maintenance._sign, list[str]()

    def counted(
        controller: Controller, settings: EvidenceConfig, errors: OnceLogged
    ) -> maintenance.Signed | None:
        companies.append(controller.id)
        return sign(controller, settings, errors)

    monkeypatch.setattr(maintenance, "_sign", counted)
    return companies


def test_log_is_not_looked_at_again_until_something_changes(folder: Path, turns: list[str]) -> None:
    """The first turn signs, the second finds that nothing is left, and the third looks at the files alone.
    The next record is signed in the next turn, and a settled log is looked at once an hour."""
    acme, signing = load(folder / "informativa.yaml").controllers["acme"], maintenance.Signing()

    def sign() -> int:
        signed = asyncio.run(signing.sign(acme, EvidenceConfig()))
        assert signed is not None
        return signed.size

    with closing(storage.store(acme)) as ledger:
        ledger.append([PLAYED])
        size = sign()
        assert [sign(), sign(), sign(), len(turns)] == [size, size, size, 2]
        ledger.append([PLAYED])
        assert (sign(), len(turns)) == (size + 1, 3)
        assert [sign(), sign(), len(turns)] == [size + 1, size + 1, 4]
        signing._settled = {
            company: (state, signed, 0.0) for company, (state, signed, _until) in signing._settled.items()
        }
        assert (sign(), len(turns)) == (size + 1, 5)


def test_signed_log_that_is_taken_away_is_noticed_at_once(folder: Path, turns: list[str]) -> None:
    """A checkpoint that is missing, or another one, is a change."""
    acme, signing = load(folder / "informativa.yaml").controllers["acme"], maintenance.Signing()
    with closing(storage.store(acme)) as ledger:
        ledger.append([PLAYED])
        for _ in range(3):
            asyncio.run(signing.sign(acme, EvidenceConfig()))
        assert len(turns) == 2
        next(Path(acme.ledger).parent.glob("acme.log/*/checkpoint")).unlink()
        asyncio.run(signing.sign(acme, EvidenceConfig()))
        assert len(turns) == 3
