"""HTML where nothing stands unescaped by mistake: what is no `Html` is text, and is escaped."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser

_VOID = frozenset({"meta", "br", "input"})
# Control characters, what turns the direction of a line, and what nobody sees: in somebody else's text they
# would show a reader another text than the one that is on record. The same stands in receipt/words.js.
INVISIBLE = (
    "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}\\U000e0000-\\U000e0fff\\ud800-\\udfff]")


class Html(str):
    """Markup of ours; whatever came from elsewhere in it is escaped."""

    __slots__ = ()


Child = Html | str
"""A part of an element: markup, or text that is yet to be escaped."""


def element(tag: str, *children: Child, **attributes: str | bool) -> Html:
    """An element. Names of attributes may end in an underscore, and have one for each dash."""
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{joined(*children)}</{tag}>")


def folded(heading: str, name: str, *children: Child) -> Html:
    """A section that a reader opens."""
    return element("details", element("summary", element("h2", heading)), *children, id=name)


def joined(*children: Child) -> Html:
    """Parts one after the other."""
    return Html("".join(child if isinstance(child, Html) else html.escape(child) for child in children))


def foreign(text: str) -> Html:
    """Somebody else's text, with a direction of its own and nothing invisible in it."""
    return element("bdi", visible(text))


def visible(text: str) -> str:
    """`text` with a name in place of each character that is not seen: ⟨U+202E⟩."""
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def outline_of(markup: Html) -> str:
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


def data_block(value: object) -> Html:
    """JSON that may stand in a script element: nothing in it ends that."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True)
    return Html(re.sub(r"[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text))


def _attribute(name: str, value: str | bool) -> str:
    name = name.rstrip("_").replace("_", "-")
    if isinstance(value, bool):
        return f" {name}" if value else ""
    return f' {name}="{html.escape(value)}"'
