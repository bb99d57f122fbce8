"""The operation `explain` without a terminal, and what is shown of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from configurations import without_papers
from examples import PLAYED
from informativa.caller import pseudonym
from informativa.config import load
from informativa.errors import InformativaError
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Identified, Line, Reason, Status, Unidentified
from informativa.operations.controllers import line_named
from informativa.operations.explain import Explanation, RecognisedCaller, explain, known_to
from informativa.views.json import documents as shapes
from informativa.views.messages import ENGLISH, Language, language
from informativa.views.text.explain import RULES, explanation

CALLER = "+393331234567"
NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
KNOWN = Identified(CALLER, "IT")


def line(folder: Path, number: str = "0212345678") -> Line:
    """A line as it is configured."""
    return line_named(load(folder / "informativa.yaml"), number)


def explained(
    folder: Path, number: str | None = CALLER, to: str = "0212345678", asked: str = ""
) -> Explanation:
    """What would happen to a call now."""
    return explain(line(folder, to), to, number, None, asked, NOW)


def shown(found: Explanation, say: Language = ENGLISH) -> str:
    """As a person reads it."""
    return "\n".join(explanation(found, say))


def delivered(folder: Path, key: bytes, version: str = "2026-11", purpose: str = "service") -> None:
    """A delivery to the caller, under the pseudonym by that key."""
    event = replace(PLAYED, pseudonym=pseudonym(KNOWN, key), version=version, purposes=frozenset({purpose}))
    store = SqliteStore(str(folder / "ledger/acme.sqlite3"))
    store.append([event])
    store.close()


def test_first_call_is_played_to(folder: Path) -> None:
    """To whom nothing was told yet the notice is played; nothing is made by asking."""
    found = explained(folder)
    (notice,) = found.decisions
    assert (found.number, found.dialled, found.at, found.language) == ("+39…67", "0212345678", NOW, "it")
    assert isinstance(found.caller, RecognisedCaller)
    assert (found.caller.country, len(found.caller.pseudonym)) == ("IT", 32)
    assert (notice.decision.reason, notice.status) == (Reason.NOT_INFORMED, Status.PLAYED)
    assert (notice.known, notice.lookups) == (None, ())
    assert notice.playback
    assert (notice.playback.prompt.path, notice.playback.language) == (f"{folder}/prompts/it/short", "it")
    assert notice.playback.informs
    assert list((folder / "ledger").iterdir()) == []
    assert CALLER[3:] not in repr(found)


def test_known_caller_is_not_played_to(folder: Path) -> None:
    """Who was told hears nothing; what shows it is told, to people and to programs."""
    delivered(folder, line(folder).controller.key)
    found = explained(folder)
    (notice,) = found.decisions
    assert (notice.status, notice.playback) == (Status.NOTDUE, None)
    assert notice.known
    assert notice.known.record == 1
    assert "would: play nothing\n" in shown(found)
    delivery = "2026-11 (handling the call and the service asked for), by record 1 of 2026-11-24 12:30 UTC"
    assert "notice: privacy notice (privacy) 2026-11\n" in shown(found)
    assert f"caller knows: {delivery}\n" in shown(found)
    facts = json.loads(shapes.Explanation.of(found).text())
    (decided,) = facts["notices"]
    assert (decided["play"], decided["playback"], decided["reason"]) == (False, None, "already-informed")
    assert decided["known"] == {
        "versions": ["2026-11"],
        "purposes": ["service"],
        "record": 1,
        "at": "2026-11-24T12:30:15.123+00:00",
    }


def test_caller_is_known_by_several_keys(folder: Path) -> None:
    """What was told under an old key counts, together with what was told since."""
    owner = line(folder).controller
    delivered(folder, bytes(32), "2026-10", "marketing")
    delivered(folder, owner.key)
    rotated = replace(line(folder), controller=replace(owner, old_keys=(bytes(32),)))
    known = known_to(rotated, KNOWN)["privacy"]
    assert (known.versions, known.record) == ({"2026-10", "2026-11"}, 2)
    assert known.purposes == {"marketing", "service"}
    assert known_to(line(folder), KNOWN)["privacy"].versions == {"2026-11"}
    assert known_to(rotated, Unidentified(Reason.WITHHELD)) == {}


@pytest.mark.parametrize(
    ("number", "reason"), [(None, "withheld"), ("x", "malformed"), ("", "withheld"), ("199123456", "shared")]
)
def test_caller_that_cannot_be_recognised(folder: Path, number: str | None, reason: str) -> None:
    """Such a caller hears the notice, and is told why; `null` stands for a number that is withheld."""
    found = explained(folder, number)
    assert isinstance(found.caller, Unidentified)
    (notice,) = found.decisions
    assert (found.caller.reason, notice.decision.reason, notice.decision.play) == (reason, reason, True)
    assert f"why: {reason}\n" in shown(found)
    facts = json.loads(shapes.Explanation.of(found).text())
    expected = {"recognised": False, "reason": reason, "country": None, "pseudonym": None}
    assert (facts["caller"], facts["call"]["from"] is None) == (expected, number is None)
    assert ("from: withheld\n" in shown(found)) == (number is None)


def test_call_to_a_company_that_is_not_live(folder: Path) -> None:
    """L10: its callers hear the notice, nothing is recorded, and why it is not live is said to people too."""
    without_papers(folder)
    found = explained(folder, to="+493012345678")
    (notice,) = found.decisions
    assert (notice.status, notice.known) == (Status.FALLBACK, None)
    assert notice.playback
    assert not notice.playback.informs
    said = shown(found)
    assert "not live: Borealis GmbH is served by Acme S.p.A." in said
    assert said.endswith("status: FALLBACK (ledger-unavailable), nothing recorded")
    facts = json.loads(shapes.Explanation.of(found).text())
    assert facts["line"]["why_not"].startswith("Borealis GmbH is served by")
    assert facts["line"]["live"] is False
    assert said != shown(found, language("it"))


def test_language_that_does_not_count(folder: Path) -> None:
    """L18: a notice in another language than the wanted one informs nobody where a setting says so."""
    (notice,) = explained(folder, asked="fr").decisions
    assert notice.playback
    assert notice.playback.informs
    strict = replace(line(folder), fallback_informs=False)
    found = explain(strict, "0212345678", CALLER, None, "ja", NOW)
    (notice,) = found.decisions
    assert notice.playback
    assert (notice.playback.informs, found.language) == (False, "ja")
    assert "still due: in that language it does not count" in shown(found)


def test_time_is_one_of_the_companys(folder: Path) -> None:
    """A time without a zone is of the company's, and is shown in it."""
    found = explain(line(folder), "0212345678", CALLER, datetime(2026, 7, 1, 9, 30), "", NOW)
    assert found.at == datetime(2026, 7, 1, 7, 30, tzinfo=UTC)
    assert "at: 2026-07-01T09:30:00+02:00\n" in shown(found)


def test_lookups_that_a_call_would_ask(folder: Path) -> None:
    """The company's own systems are named where the notice would be played, and only there."""
    file = folder / "informativa.yaml"
    lookup = "lookups: {crm: {notice: privacy, url: 'https://crm.example/t?n={number}'}}"
    file.write_text(file.read_text().replace("    retention: 5", f"    {lookup}\n    retention: 5", 1))
    found = explained(folder)
    assert [each.lookups for each in found.decisions] == [("crm",)]
    assert "unless known to: crm\n" in shown(found)
    assert json.loads(shapes.Explanation.of(found).text())["notices"][0]["lookups"] == ["crm"]
    delivered(folder, line(folder).controller.key)
    assert [each.lookups for each in explained(folder).decisions] == [()]


def test_line_that_there_is_not(folder: Path) -> None:
    """The line that was probably meant is named, or those that there are."""
    configuration = load(folder / "informativa.yaml")
    with pytest.raises(InformativaError, match=r"There is no line 021234567: .* Did you mean 0212345678\?"):
        line_named(configuration, "021234567")
    with pytest.raises(InformativaError, match=r"There are: \+390212345678, \+493012345678\."):
        line_named(configuration, "0299")


def test_tree_of_several_notices(folder: Path) -> None:
    """Each notice is a group of its own below the last branch, in the reader's language."""
    found = explained(folder)
    two = replace(found, decisions=found.decisions * 2)
    said = shown(two, language("it")).splitlines()
    assert said[0] == "├─ chiamata"
    assert said[-1] == "   └─ stato: PLAYED, se ascoltata fino alla fine"
    assert said.count(said[-1]) == 2
    assert said.index("└─ informative") == len(said) - 11


def test_every_rule_has_a_sentence() -> None:
    """All reasons that the policy gives for a call that comes anew; the others have no rule of the plan."""
    others = {"same-call", "told-elsewhere", "request", "retention", "nothing-to-tell", "no-line"}
    others |= {"service-unavailable", "service-busy", "restored", "new-key"}
    assert {str(reason) for reason in Reason} - set(RULES) == others
