"""The verdict on a log of which nothing is signed yet."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import run
from evidence.ledger import of
from examples import AT
from informativa.config import load
from informativa.ledgers.erasure import erase
from informativa.ledgers.sequencer import sequence
from informativa.operations.evidence import auditing
from informativa.process import storage
from informativa.views.messages import ENGLISH, language
from informativa.views.text.audits import verdict


@pytest.mark.parametrize(
    ("erasure", "word", "italian"),
    [(False, "Complete", "Completo"), (True, "Accounted for", "Giustificato")],
)
def test_a_verdict_on_an_unsigned_log_proves_nothing(
    folder: Path, erasure: bool, word: str, italian: str
) -> None:
    """Command and JSON say that it is the company's own word; once something is signed, they do not."""
    controller = load(folder / "informativa.yaml").controllers["acme"]
    ledger, command = Path(controller.ledger), ("evidence", "audit", "-c", folder / "informativa.yaml")
    with closing(storage.store(controller)) as store:
        store.append([of(number, recorded=datetime.now(UTC)) for number in (3, 4)])
    if erasure:
        assert erase(ledger, [of(3).pseudonym], datetime.now(UTC)).records  # type: ignore[list-item]
    printed = run(*command, "--controller", "acme")
    assert printed.returncode == 0
    first, *_, note, _elsewhere = printed.stdout.splitlines()
    sentence = (
        "by the company's own word: no checkpoint of its newest log is here, so that it proves nothing."
    )
    assert first == f"acme: {word}, {sentence}"
    assert "by hand type: informativa evidence checkpoint -c " in note
    (document,) = json.loads(run(*command, "--controller", "acme", "--json").stdout)["ledgers"]
    assert (document["as_of"]["size"], document["signed"], len(document["remarks"])) == (0, 0, 1)
    unsigned = auditing.audit(controller, at=AT)
    assert verdict(unsigned, language("it")).startswith(
        f"{italian}, sulla sola parola dell'azienda: qui non c'è"
    )
    sequence(ledger)
    signed = auditing.audit(controller, at=AT)
    assert (signed.verdict, signed.remarks) == (unsigned.verdict, ())
    assert verdict(signed, ENGLISH).startswith(f"{word}: ")
