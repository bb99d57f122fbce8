"""Choices in the configuration: what is right becomes objects, what the rules of a kind refuse is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from configurations import problems, with_choices
from informativa.config import load
from informativa.model import Answer, Asks, Period, Vouched


@pytest.fixture
def asking(folder: Path) -> Path:
    """Return the example configuration with three choices on acme's line."""
    return with_choices(folder)


def change(file: Path, old: str, new: str) -> Path:
    """Change one place of it."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


def test_choices_become_objects(asking: Path) -> None:
    """A plan with three choices has each at its place among the notices, with all that its section says."""
    configuration = load(asking)
    line = configuration.spelled["+390212345678"]
    assert [step.notice.id for step in line.plan] == ["country", "privacy"]
    assert [(planned.choice.id, planned.after) for planned in line.choices] == [
        ("abroad", 1),
        ("taping", 2),
        ("marketing", 2),
    ]
    abroad, taping, marketing = (planned.choice for planned in line.choices)
    assert (abroad.asks, abroad.tries, abroad.wait) == (Asks.OPERATOR, 1, 6.0)
    assert taping.silence is Answer.RECORDED
    assert (marketing.holds, marketing.again, marketing.tries) == (Period(24), Period(12), 2)
    assert marketing.keys == {Answer.GRANTED: "4", Answer.REFUSED: "5"}
    assert marketing.vouched == {Vouched.NETWORK, Vouched.SIGNATURE, Vouched.DIALPLAN}
    assert marketing.wording.versions[0].purposes == {"marketing"}
    assert line.revocable == (marketing,)
    assert line.consents == 1
    assert [notice.id for notice in configuration.wordings("acme")][2:] == ["marketing", "abroad", "taping"]


def test_line_without_choices_has_none(asking: Path) -> None:
    """Another company's line knows nothing of them."""
    line = load(asking).spelled["+493012345678"]
    assert (line.choices, line.revocable) == ((), ())


REFUSED = [
    ('granted: "4"', 'granted: "1"', "the key 1 grants marketing, and means something else on this line"),
    ('granted: "4"', 'granted: "2"', "the key 2 grants marketing, and means something else on this line"),
    ('granted: "4"', 'granted: "5"', "one key cannot mean two things"),
    (', refused: "5"', "", "has no key for refused; write one, such as `refused: \"5\"`"),
    ('keys: {eu: "2"}', 'keys: {granted: "2"}', "there is no option granted; there are: eu"),
    ('        withdraw_at: "+390212345678"\n', "", "withdraw_at: is missing: to withdraw must be as easy"),
    ('withdraw_at: "+390212345678"', 'withdraw_at: "+493012345678"', "no line of this company +493012345678"),
    ("            withdraw: {it: prompts/it/short, en: prompts/en/short}\n", "", "how to withdraw"),
    ("        purpose: marketing\n", "", "purpose: is missing: a consent is given for one purpose"),
    ("        purpose: marketing\n", "        purpose: service\n", "is one of `service_purposes`"),
    ("        purpose: marketing\n", "        purpose: profiling\n", "no notice before it tells of"),
    ("        holds: 24 months\n", "", "holds: is missing"),
    ("holds: 24 months", "holds: 6 years", "is longer than `retention`"),
    ("        silence: recorded\n", "", "silence: is not set"),
    ("        tries: 1\n", "        silence: recorded\n", "only of a choice about recording"),
    ('not-recorded: "7"', 'recorded: "7"', "after a yes by key, and after silence too: silence is no yes"),
    ('not-recorded: "7"', 'not-recorded: "7", recorded: "2"', "the key 2 grants taping, and means something"),
    ('not-recorded: "7"', 'eu: "7"', "there is no option eu; there are: not-recorded, recorded"),
    ("wait: 6 seconds", "wait: 11 seconds", "wait"),
    ("tries: 1", "tries: 4", "tries"),
    ("      - {notice: country, when: always}\n", "", "no notice `country` stands before it"),
    ("      - choice: taping\n", "      - choice: abroad\n", "choice abroad stands in this plan twice"),
    ("      - choice: abroad\n", "      - choice: nowhere\n", "there is no choice nowhere"),
    ("      - choice: abroad\n", "      - {choice: abroad, when: always}\n", "a choice has no `when`"),
    ("      - choice: abroad\n", "      - {choice: abroad, notice: country}\n", "is no step"),
    ("      abroad:\n        asks", "      privacy:\n        asks", "is the name of a notice, too"),
    ("      country:\n", "      recording-orders:\n", "no notice `country` stands before it"),
    ("    callers: either", "    answer: false\n    callers: either", "a choice needs an answered call"),
    ("    language: it\n", "    language: it\n    fallback: [de]\n", "has no prompt in de, only in en, it"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), REFUSED, ids=[new or old for old, new, _ in REFUSED])
def test_what_the_rules_refuse(asking: Path, old: str, new: str, message: str) -> None:
    """Each rule that is broken is told in a sentence, with its place."""
    sentences = problems(change(asking, old, new))
    assert any(message in sentence for sentence in sentences), sentences


def test_plan_of_choices_alone_is_refused(asking: Path) -> None:
    """A plan tells before it asks."""
    for step in ("{notice: country, when: always}", "notice: privacy", "choice: abroad", "choice: marketing"):
        change(asking, f"      - {step}\n", "")
    assert [one.partition("plan: ")[2] for one in problems(asking)] == [
        "has choices, and no notice; put the notice before them that tells of them"
    ]


def test_version_in_force_speaks_the_languages_of_the_line(asking: Path) -> None:
    """The version of today is looked at, and not only one that comes."""
    later = '[{version: "0", short: {it: prompts/it/short}}, {version: "1", starts: 2999-01-01, short:'
    change(asking, "    language: it\n", "    language: it\n    fallback: [en]\n")
    change(asking, '[{version: "1", short:', later)
    assert any("choice abroad 0 has no prompt in en" in one for one in problems(asking))


def test_recording_that_must_be(asking: Path) -> None:
    """Where orders are taken by telephone nobody may refuse the recording (L22)."""
    change(asking, "      country:\n", "      recording-orders:\n")
    change(asking, "{notice: country, when: always}", "{notice: recording-orders}")
    change(asking, "      - choice: abroad\n", "")
    (message,) = problems(asking)
    assert "each call must be recorded, so nobody may refuse it" in message


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('not-recorded: "7"', {Answer.NOT_RECORDED: "7"}),
        ('recorded: "8"', {Answer.RECORDED: "8"}),
        ('recorded: "8", not-recorded: "7"', {Answer.NOT_RECORDED: "7", Answer.RECORDED: "8"}),
    ],
)
def test_keys_about_recording(asking: Path, keys: str, expected: dict[Answer, str]) -> None:
    """A company asks for a no, for a yes, or for either; where nothing can grant, check says that no call is
    recorded."""
    change(asking, 'keys: {not-recorded: "7"}', f"keys: {{{keys}}}")
    configuration = load(change(asking, "silence: recorded", "silence: not-recorded"))
    (taping,) = (p.choice for line in configuration.lines for p in line.choices if p.choice.id == "taping")
    assert list(taping.keys.items()) == list(expected.items())
    idle = [str(warning) for warning in configuration.warnings if "no call is recorded" in str(warning)]
    assert len(idle) == (Answer.RECORDED not in expected)


@pytest.mark.shipped_prompts
def test_long_question_is_warned_of(asking: Path) -> None:
    """A question of more than twenty seconds is in order, and told."""
    change(
        asking,
        "short: {it: prompts/it/short, en: prompts/en/short}",
        "short: {it: prompts/it/full, en: prompts/en/full}",
    )
    warnings = [str(warning) for warning in load(asking).warnings]
    assert any("the question lasts" in warning for warning in warnings), warnings
