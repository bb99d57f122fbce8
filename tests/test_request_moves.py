"""A person's request: the day on which it is due, and which move is possible when."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from informativa.model.requests import (
    Identification,
    Move,
    PersonRequest,
    Refusal,
    RequestKind,
    RequestOutcome,
    RequestState,
    RequestStep,
    due_day,
    refusal,
)

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
CAME, LATER = date(2026, 11, 2), date(2026, 12, 3)
ANSWERED = RequestOutcome.ANSWERED


def request(kind: str, *moves: Move, accounts: str = "anna") -> PersonRequest:
    """Return a request of Anna's, or of several accounts by their order, after these moves."""
    names = accounts.split()
    steps = [
        RequestStep(AT, names[min(index, len(names) - 1)], move)
        for index, move in enumerate((Move.OPEN, *moves))
    ]
    return PersonRequest(7, RequestKind(kind), CAME, tuple(steps), b"p" * 32)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-11-02", "2026-12-02"),
        ("2026-01-31", "2026-02-28"),
        ("2028-01-31", "2028-02-29"),
        ("2026-12-31", "2027-01-31"),
        ("2026-03-30", "2026-04-30"),
        ("2026-10-21", "2026-11-21"),  # a Saturday
    ],
)
def test_an_answer_is_due_one_month_after_receipt_by_the_calendar(received: str, due: str) -> None:
    """The last day of a shorter month counts, and no day is moved to a working day."""
    assert due_day(date.fromisoformat(received)) == date.fromisoformat(due)


def test_an_extension_counts_three_months_from_receipt() -> None:
    """One month and two further ones, by the calendar from the day of receipt."""
    extended = request("access", Move.EXTEND)
    assert (request("access").due, extended.due) == (date(2026, 12, 2), date(2027, 2, 2))


@pytest.mark.parametrize(
    ("kind", "moves", "state"),
    [
        ("access", "", "opened"),
        ("access", "identify", "identified"),
        ("access", "identify assign extend", "identified"),
        ("access", "identify part", "identified"),
        ("access", "identify letter", "answered"),
        ("access", "identify letter close", "closed"),
        ("portability", "identify letter", "answered"),
        ("proof", "identify letter", "answered"),
        ("erasure", "identify letter", "identified"),
        ("erasure", "identify note", "waiting"),
        ("erasure", "identify note erase", "answered"),
        ("erasure", "identify erase", "answered"),
        ("objection", "identify erase", "answered"),
    ],
)
def test_the_state_follows_from_the_steps(kind: str, moves: str, state: str) -> None:
    """An answer answers a request of its own kind alone; one that is not complete answers none."""
    steps = [Move(word) for word in moves.split()]
    assert request(kind, *steps).state == RequestState(state)


@pytest.mark.parametrize(
    ("kind", "moves", "move", "word", "reason"),
    [
        ("access", "", Move.LETTER, "it", Refusal.NOT_IDENTIFIED),
        ("access", "", Move.IDENTIFY, Identification.DOCUMENT, None),
        ("access", "identify", Move.IDENTIFY, Identification.DOCUMENT, Refusal.IDENTIFIED),
        ("access", "identify", Move.LETTER, "it", None),
        ("access", "identify letter", Move.LETTER, "de", None),
        ("access", "identify", Move.ERASE, "", Refusal.KIND),
        ("access", "identify", Move.CLOSE, ANSWERED, Refusal.NOT_ANSWERED),
        ("access", "identify part", Move.CLOSE, ANSWERED, Refusal.NOT_ANSWERED),
        ("access", "identify letter", Move.CLOSE, ANSWERED, None),
        ("access", "", Move.CLOSE, RequestOutcome.UNIDENTIFIED, None),
        ("access", "identify", Move.CLOSE, RequestOutcome.UNIDENTIFIED, Refusal.IDENTIFIED),
        ("access", "", Move.CLOSE, RequestOutcome.WITHDRAWN, None),
        ("access", "identify letter close", Move.ASSIGN, "bob", Refusal.CLOSED),
        ("access", "extend", Move.EXTEND, "complexity", Refusal.EXTENDED),
        ("erasure", "", Move.ERASE, "", Refusal.NOT_IDENTIFIED),
        ("erasure", "identify", Move.ERASE, "", None),
        ("erasure", "identify note", Move.ERASE, "", None),
        ("erasure", "identify note", Move.LETTER, "it", Refusal.WAITING),
        ("erasure", "identify note", Move.CLOSE, RequestOutcome.WITHDRAWN, Refusal.WAITING),
        ("erasure", "identify erase", Move.ERASE, "", Refusal.IDENTIFIED),
        ("objection", "identify", Move.CLOSE, ANSWERED, None),
        ("objection", "", Move.CLOSE, ANSWERED, Refusal.NOT_ANSWERED),
    ],
)
def test_which_moves_are_possible(
    kind: str, moves: str, move: Move, word: str, reason: Refusal | None
) -> None:
    """Nothing is sent or erased before the person is identified, and nothing ends as answered that is not."""
    steps = [Move(done) for done in moves.split()]
    assert refusal(request(kind, *steps), move, CAME, "anna", word) == reason


def test_an_extension_is_possible_up_to_the_day_on_which_the_answer_is_due() -> None:
    """On 2 December it is, on the 3rd it comes too late."""
    assert refusal(request("access"), Move.EXTEND, date(2026, 12, 2), "anna") is None
    assert refusal(request("access"), Move.EXTEND, LATER, "anna") is Refusal.OVERDUE


def test_only_an_open_request_is_overdue() -> None:
    """From the day after it was due, and until it is closed."""
    assert not request("access").is_overdue(date(2026, 12, 2))
    assert request("access").is_overdue(LATER)
    assert not request("access", Move.CLOSE).is_overdue(LATER)


@pytest.mark.parametrize("move", [Move.LETTER, Move.PART, Move.ERASE, Move.NOTE])
@pytest.mark.parametrize(("account", "reason"), [("anna", 1), ("bob", 1), ("carla", 0)])
def test_by_four_eyes_who_asked_is_not_who_acts(move: Move, account: str, reason: int) -> None:
    """Anna opened it and Bob identified the person: Carla answers it. Without the setting all of them may."""
    asked = request("erasure", Move.IDENTIFY, accounts="anna bob")
    assert refusal(asked, move, CAME, account, four_eyes=True) is (Refusal.SAME_ACCOUNT if reason else None)
    assert refusal(asked, move, CAME, account) is None
