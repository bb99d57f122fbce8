"""Sentences that say the same of many companies, of which a terminal shows one."""

from __future__ import annotations

from informativa.model.text import Text, clause, joined, plain
from informativa.operations.doctor.examination import Examination, count_by_state
from informativa.operations.doctor.findings import wrong
from informativa.views.messages import Language
from informativa.views.text import doctor
from informativa.views.text.similar import by_kind


def lines(*sentences: Text) -> list[str]:
    """Return what is shown of these sentences."""
    shown = by_kind(sentences, lambda sentence: sentence)
    return [str(line) for pair in shown for line in pair if line is not None]


def silent(count: int) -> list[Text]:
    """Return sentences about so many companies."""
    return [Text("{id} of {group} is silent", group="acme", id=f"c{number}") for number in range(count)]


def test_few_are_all_shown() -> None:
    """Of five companies each has its own line, as before."""
    assert lines(*silent(5)) == [f"c{number} of acme is silent" for number in range(5)]


def test_many_are_one_and_some_names() -> None:
    """Of six companies the first is shown whole, and the others by what tells them from it."""
    assert lines(*silent(6)) == [
        "c0 of acme is silent",
        "The same holds for c1, c2, c3, c4 and 1 more; --json has them all.",
    ]
    assert lines(*silent(300))[1] == "The same holds for c1, c2, c3, c4 and 295 more; --json has them all."


def test_order_and_other_kinds_stay() -> None:
    """Sentences of another kind are shown between them, where the first of their kind stood."""
    loud = Text("{id} is loud", id="c0")
    assert lines(loud, *silent(7), Text("all else")) == [
        "c0 is loud",
        "c0 of acme is silent",
        "The same holds for c1, c2, c3, c4 and 2 more; --json has them all.",
        "all else",
    ]


def test_words_of_others_are_all_shown() -> None:
    """What is no sentence of this program is never taken for another one; not even if it is the same."""
    words = [plain(f"error {number}") for number in range(7)]
    assert lines(*words) == [f"error {number}" for number in range(7)]
    assert lines(*(joined(": ", f"c{number}", Text("is off")) for number in range(7)))[1:] == [
        "The same holds for c1, c2, c3, c4 and 2 more; --json has them all."
    ]
    apart = [joined(": ", "c0", Text("is off")), joined(": ", "c0", Text("is on"))] * 3
    assert [line for line in lines(*apart) if "same" in line] == []


def test_parts_and_clauses_are_of_a_kind() -> None:
    """A reason within a sentence makes another kind of it, and a value within the reason does not."""
    reasons = [Text("no {file}.", file=f"f{number}") for number in range(6)]
    off = [Text("{id} is off: {why}", id="acme", why=clause(reason)) for reason in reasons]
    assert lines(*off)[1] == "The same holds for f1, f2, f3, f4 and 1 more; --json has them all."
    other = Text("{id} is off: {why}", id="acme", why=clause(Text("no room.")))
    assert len(lines(*off, other)) == 3


def test_what_nothing_tells_apart_is_counted() -> None:
    """Where values come again, a name would say of how many companies it is no more."""
    twice = [Text("{id} is off since {day}", id=f"c{number // 2}", day=number) for number in range(8)]
    assert lines(*twice)[1] == "The same holds for 7 more; --json has them all."


def test_doctor_shows_one_of_many_with_its_remedy() -> None:
    """Findings of one check, state and form of remedy are one; the numbers count all of them."""
    findings = [wrong(silence, Text("wake {id}", id="it")) for silence in silent(9)]
    findings += [wrong(silence) for silence in silent(2)]
    examined = Examination(tuple(findings), **count_by_state(findings))
    assert [line.plain for line in doctor.findings(examined, Language(), unicode=False)] == [
        "x : c0 of acme is silent",
        "    wake it",
        "    The same holds for c1, c2, c3, c4 and 4 more; --json has them all.",
        "x : c0 of acme is silent",
        "x : c1 of acme is silent",
        "11 wrong, 0 to look at, 0 not looked at, 0 in order",
    ]
