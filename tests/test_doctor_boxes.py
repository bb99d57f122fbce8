"""The doctor's findings about other boxes, of which each company has its own account."""

from __future__ import annotations

from datetime import UTC, datetime

from informativa.operations.boxes import Box, Difference, Meeting
from informativa.operations.doctor import shared
from informativa.operations.doctor.findings import State

OLDER = "Copy keys/{}.key, and those before it, to pbx-2, and reload it. Until then delete no key here."
SEEN = datetime(2026, 12, 1, 10, tzinfo=UTC)


def meeting(company: str, *different: Difference, seconds_ago: float = 600.0, behind: int = 0) -> Meeting:
    """The boxes of a company: this one, and another."""
    boxes = tuple(
        Box(name, name == "pbx-1", 1, waiting, 0, SEEN, seconds, "1", unlike, 0.0, None, None, joined=True)
        for name, waiting, seconds, unlike in (
            ("pbx-1", 0, 0.0, ()), ("pbx-2", behind, seconds_ago, different)
        )
    )  # fmt: skip
    return Meeting(company, company.title(), 6, 1.0, 0.0, boxes)


def findings(*meetings: Meeting) -> list[tuple[State, str, str]]:
    """Return what is said of them."""
    return [
        (finding.state, str(finding.finding), str(finding.fix)) for finding in shared.of_meetings(meetings)
    ]


def test_a_box_that_is_off_is_named_once_for_all_companies() -> None:
    """On a box of three hundred there were thirteen thousand such findings, each with its remedy."""
    companies = [f"c{number}" for number in range(7)]
    fix = "Start its service; if it left for good, type: informativa boxes retire pbx-2"
    assert findings(*map(meeting, companies)) == [
        (State.WARNING, "pbx-2 was last heard of 10 min ago, for c0, c1, c2, c3, c4 and 2 more", fix)
    ]


def test_another_configuration_is_named_once_and_another_key_for_each_company() -> None:
    """The remedy of a key names the files of one company."""
    other = [Difference.CONFIGURATION, Difference.OLDER_KEY]
    assert findings(*(meeting(name, *other, seconds_ago=1.0) for name in ("acme", "rossi"))) == [
        (
            State.WARNING,
            "pbx-2 treats callers of acme, rossi by another configuration",
            "Compare the sections of acme, rossi, and its lines, on both boxes.",
        ),
        (
            State.WARNING,
            "pbx-2 still works with an earlier key of acme",
            OLDER.format("acme"),
        ),
        (
            State.WARNING,
            "pbx-2 still works with an earlier key of rossi",
            OLDER.format("rossi"),
        ),
    ]


def test_records_that_were_not_sent_are_counted_for_each_company() -> None:
    """Their numbers are not the same."""
    assert [text for _state, text, _fix in findings(
        meeting("acme", behind=2000, seconds_ago=1.0), meeting("rossi", behind=3000, seconds_ago=1.0)
    )] == [
        "2000 records of pbx-2 for acme are not in the database yet",
        "3000 records of pbx-2 for rossi are not in the database yet",
    ]  # fmt: skip
