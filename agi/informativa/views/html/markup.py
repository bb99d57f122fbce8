"""Templates in which what is no markup of ours is escaped, and what a page has besides elements."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser

import jinja2
from jinja2.ext import Extension
from markupsafe import Markup

# Control characters, what turns the direction of a line, and what nobody sees: in somebody else's text they
# would show a reader another text than the one that is on record. The same stands in receipt/words.js.
INVISIBLE = (
    "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}\\U000e0000-\\U000e0fff\\ud800-\\udfff]")


def templates_in(
    place: str,
    filters: Mapping[str, Callable[..., object]],
    extensions: Sequence[type[Extension]] = (),
) -> jinja2.Environment:
    """Templates of a folder in which whatever is no markup of ours is escaped, and what is missing is an
    error."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("informativa", place),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=extensions,
    )
    templates.filters |= {"foreign": foreign, "visible": visible, **filters}
    return templates


def foreign(text: object) -> Markup:
    """Somebody else's text, with a direction of its own and nothing invisible in it."""
    return Markup(f"<bdi>{html.escape(visible(str(text)))}</bdi>")  # noqa: S704  # escaped here


def visible(text: str) -> str:
    """`text` with a name in place of each character that is not seen: ⟨U+202E⟩."""
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def outline_of(markup: str) -> str:
    """All that a reader may see: elements, attributes in order, text. The same stands in receipt/page.js."""
    reading = _Outline()
    reading.feed(markup)
    reading.close()
    return "".join(reading.parts)


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = sorted((name, value or "") for name, value in attrs if name not in ("src", "href"))
        self.parts.append(f"<{tag}{''.join(f' {name}={value}' for name, value in shown)}>")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def data_block(value: object) -> str:
    """JSON that may stand in a script element: nothing in it ends that."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True)
    return re.sub(r"[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)
