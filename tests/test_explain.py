"""The operation `explain` without a terminal, and what is shown of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from configurations import without_papers
from examples import PLAYED
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Identified, Line, Reason, Status, Unidentified
from informativa.model.errors import InformativaError
from informativa.operations.controllers import line_named
from informativa.operations.explain import Explanation, explain, history_of
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, Language, language
from informativa.views.text.explain import RULES, explanation

CALLER = "+393331234567"
NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
KNOWN = Identified(CALLER, "IT")


def line(folder: Path, number: str = "0212345678") -> Line:
    """Return a line of the configuration."""
    return line_named(load(folder / "informativa.yaml"), number)


def explained(
    folder: Path, number: str | None = CALLER, to: str = "0212345678", asked_language: str = ""
) -> Explanation:
    """Return the explanation of a call that comes now."""
    return explain(line(folder, to), to, number, None, asked_language, NOW)


def shown(result: Explanation, called: Line, say: Language = ENGLISH) -> str:
    """Return an explanation as a person reads it."""
    return "\n".join(explanation(result, called, say))


def delivered(folder: Path, key: bytes, version: str = "2026-11", purpose: str = "service") -> None:
    """Record a delivery to the caller, under the pseudonym by that key."""
    event = replace(PLAYED, pseudonym=pseudonym(KNOWN, key), version=version, purposes=frozenset({purpose}))
    store = SqliteStore(str(folder / "ledger/acme.sqlite3"))
    store.append([event])
    store.close()


def test_first_call_is_played_to(folder: Path) -> None:
    """A caller who was told nothing yet hears the notice; the explanation writes no file."""
    result = explained(folder)
    (decision,) = result.notices
    assert (result.call.number, result.call.to, result.call.at) == ("+39…67", "0212345678", NOW)
    assert (result.language, result.caller.recognised, result.caller.country) == ("it", True, "IT")
    assert len(bytes.fromhex(result.caller.pseudonym or "")) == 32
    assert (decision.reason, decision.status) == (Reason.NOT_INFORMED, Status.PLAYED)
    assert (decision.known, decision.lookups, result.disclosed_pseudonym) == (None, (), None)
    assert decision.playback
    assert (decision.playback.prompt, decision.playback.language) == (f"{folder}/prompts/it/short", "it")
    assert decision.playback.informs
    assert list((folder / "ledger").iterdir()) == []
    assert CALLER[3:] not in repr(result)


def test_known_caller_is_not_played_to(folder: Path) -> None:
    """A caller who was told hears nothing; people and programs see the record that shows it."""
    key = line(folder).controller.key
    delivered(folder, key)
    result = explained(folder)
    (decision,) = result.notices
    assert (decision.status, decision.playback) == (Status.NOTDUE, None)
    assert decision.known
    assert decision.known.record == 1
    assert result.disclosed_pseudonym == pseudonym(KNOWN, key)
    text = shown(result, line(folder))
    assert "would: play nothing\n" in text
    delivery = "2026-11 (handling the call and the service asked for), by record 1 of 2026-11-24 13:30 CET"
    assert "notice: privacy notice (privacy) 2026-11\n" in text
    assert f"caller knows: {delivery}\n" in text
    (notice,) = json.loads(document(result))["notices"]
    assert (notice["play"], notice["playback"], notice["reason"]) == (False, None, "already-informed")
    assert notice["known"] == {
        "versions": ["2026-11"],
        "purposes": ["service"],
        "record": 1,
        "at": "2026-11-24T12:30:15.123+00:00",
    }


def test_caller_is_known_by_several_keys(folder: Path) -> None:
    """Deliveries under an old key count, together with those since."""
    owner = line(folder).controller
    delivered(folder, bytes(32), "2026-10", "marketing")
    delivered(folder, owner.key)
    rotated = replace(line(folder), controller=replace(owner, old_keys=(bytes(32),)))
    known = history_of(KNOWN, rotated)["privacy"]
    assert (known.versions, known.record) == ({"2026-10", "2026-11"}, 2)
    assert known.purposes == {"marketing", "service"}
    assert history_of(KNOWN, line(folder))["privacy"].versions == {"2026-11"}
    assert history_of(Unidentified(Reason.WITHHELD), rotated) == {}


@pytest.mark.parametrize(
    ("number", "reason"), [(None, "withheld"), ("x", "malformed"), ("", "withheld"), ("199123456", "shared")]
)
def test_caller_that_cannot_be_recognised(folder: Path, number: str | None, reason: str) -> None:
    """Such a caller hears the notice, and the reason is shown; a withheld number is `null`."""
    result = explained(folder, number)
    (decision,) = result.notices
    assert (result.caller.reason, decision.reason, decision.play) == (reason, reason, True)
    text = shown(result, line(folder))
    assert f"why: {reason}\n" in text
    facts = json.loads(document(result))
    expected = {"recognised": False, "reason": reason, "country": None, "pseudonym": None}
    assert (facts["caller"], facts["call"]["from"] is None) == (expected, number is None)
    assert ("from: withheld\n" in text) == (number is None)


def test_call_to_a_company_that_is_not_live(folder: Path) -> None:
    """The Garante's measure of 15 November 2007: its callers hear the notice, nothing is recorded, and people
    see the reason, too."""
    without_papers(folder)
    result = explained(folder, to="+493012345678")
    called = line(folder, "+493012345678")
    (decision,) = result.notices
    assert (decision.status, decision.known) == (Status.FALLBACK, None)
    assert decision.playback
    assert not decision.playback.informs
    text = shown(result, called)
    assert "not live: Borealis GmbH is served by Acme S.p.A." in text
    assert text.endswith("status: FALLBACK (ledger-unavailable), nothing recorded")
    facts = json.loads(document(result))
    assert facts["line"]["why_not"].startswith("Borealis GmbH is served by")
    assert facts["line"]["live"] is False
    assert text != shown(result, called, language("it"))


def test_language_that_does_not_count(folder: Path) -> None:
    """GDPR art. 12(1): a notice in another language than the wanted one informs nobody where a setting says
    so."""
    (decision,) = explained(folder, asked_language="fr").notices
    assert decision.playback
    assert decision.playback.informs
    strict = replace(line(folder), fallback_informs=False)
    result = explain(strict, "0212345678", CALLER, None, "ja", NOW)
    (decision,) = result.notices
    assert decision.playback
    assert (decision.playback.informs, result.language) == (False, "ja")
    assert "still due: in that language it does not count" in shown(result, strict)


def test_time_is_one_of_the_companys(folder: Path) -> None:
    """A time without a zone is of the company's, and is shown in it."""
    result = explain(line(folder), "0212345678", CALLER, datetime(2026, 7, 1, 9, 30), "", NOW)
    assert result.call.at == datetime(2026, 7, 1, 7, 30, tzinfo=UTC)
    assert "at: 2026-07-01 09:30:00 CEST\n" in shown(result, line(folder))


def test_lookups_that_a_call_would_ask(folder: Path) -> None:
    """The company's own systems are named where the notice would be played, and only there."""
    file = folder / "informativa.yaml"
    lookup = "lookups: {crm: {notice: privacy, url: 'https://crm.example/t?n={number}'}}"
    file.write_text(file.read_text().replace("    retention: 5", f"    {lookup}\n    retention: 5", 1))
    result = explained(folder)
    assert [decision.lookups for decision in result.notices] == [("crm",)]
    assert "unless known to: crm\n" in shown(result, line(folder))
    assert json.loads(document(result))["notices"][0]["lookups"] == ["crm"]
    delivered(folder, line(folder).controller.key)
    assert [decision.lookups for decision in explained(folder).notices] == [()]


def test_line_that_there_is_not(folder: Path) -> None:
    """The line that was probably meant is named, or those that there are."""
    configuration = load(folder / "informativa.yaml")
    with pytest.raises(InformativaError, match=r"There is no line 021234567: .* Did you mean 0212345678\?"):
        line_named(configuration, "021234567")
    with pytest.raises(InformativaError, match=r"There are: \+390212345678, \+493012345678\."):
        line_named(configuration, "0299")


def test_tree_of_several_notices(folder: Path) -> None:
    """Each notice is a group of its own below the last branch, in the reader's language."""
    result = explained(folder)
    two = replace(result, notices=result.notices * 2)
    lines = shown(two, line(folder), language("it")).splitlines()
    assert lines[0] == "├─ chiamata"
    assert lines[-1] == "   └─ stato: PLAYED, se ascoltata fino alla fine"
    assert lines.count(lines[-1]) == 2
    assert lines.index("└─ informative") == len(lines) - 11


def test_every_rule_has_a_sentence() -> None:
    """All reasons that the policy gives for a call that comes anew; the others have no rule of the plan."""
    others = {"same-call", "told-elsewhere", "request", "retention", "nothing-to-tell", "no-line"}
    others |= {"service-unavailable", "service-busy", "restored", "new-key"}
    others |= {"configured", "counted", "approved", "not-answered"}
    assert {str(reason) for reason in Reason} - set(RULES) == others
