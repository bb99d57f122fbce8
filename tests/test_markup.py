"""Pages: nothing that came from elsewhere is markup in them, and nothing in them goes without words."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from informativa.model import Answer, Asks, Ending, Reason, RecordKind, Status, Vouched
from informativa.model.invisible import visible
from informativa.views import choice_sentences
from informativa.views import record_words as words
from informativa.views.console_templates import templates_in


def test_what_is_no_markup_of_ours_is_escaped() -> None:
    """A text can neither begin an element nor end an attribute."""
    templates = templates_in("views/templates/console", {})
    template = templates.from_string('<p title="{{ title }}">{{ text }}{{ text|foreign }}</p>')
    assert template.render(title='"><script>', text="<b>&\u202e") == (
        '<p title="&#34;&gt;&lt;script&gt;">&lt;b&gt;&amp;\u202e<bdi>&lt;b&gt;&amp;⟨U+202E⟩</bdi></p>'
    )
    with pytest.raises(UndefinedError):
        template.render(title="")


def test_what_nobody_sees_is_shown_by_its_name() -> None:
    """Neither the direction of a line nor an invisible letter makes a text look like another one."""
    assert visible("a\u202ecod\u2066\u200b\x00\nè \U000e0041") == (
        "a⟨U+202E⟩cod⟨U+2066⟩⟨U+200B⟩⟨U+0000⟩⟨U+000A⟩è ⟨U+E0041⟩"
    )


def test_every_code_has_words() -> None:
    """No reader meets a code that nothing explains."""
    for meant, codes in (
        (words.STATUSES, Status),
        (words.REASONS, Reason),
        (words.ENDINGS, Ending),
        (words.KINDS, RecordKind),
        (words.VOUCHERS, Vouched),
        (choice_sentences.ANSWERS, Answer),
        (choice_sentences.ASKS, Asks),
    ):
        assert {str(code) for code in codes} == set(meant)
