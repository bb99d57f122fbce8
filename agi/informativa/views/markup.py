"""Templates in which what is no markup of ours is escaped, and what a page has besides elements."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping

import jinja2
from markupsafe import Markup

from ..model.invisible import visible


def templates_in(place: str, filters: Mapping[str, Callable[..., object]]) -> jinja2.Environment:
    """Templates of a folder in which whatever is no markup of ours is escaped, and what is missing is an
    error."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("informativa", place),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"foreign": foreign, "visible": visible, **filters}
    return templates


def foreign(text: object) -> Markup:
    """Somebody else's text, with a direction of its own and nothing invisible in it."""
    return Markup(f"<bdi>{html.escape(visible(str(text)))}</bdi>")  # noqa: S704  # escaped here


def qr_code(text: str) -> Markup:
    """Return a QR code as an SVG element that stands in a page, dark on white in every colour scheme. It has
    no style of its own, which the console's policy would refuse."""
    import segno  # of the extra `web`

    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(border=4, light="#fff", omitsize=True))  # noqa: S704  # segno's own
