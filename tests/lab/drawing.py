"""The drawing of .github/architecture.md, written from text: `python -m lab.drawing`.

Colours are the reader's: text and lines take `currentColor`, which is light where the page is dark.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 980, 720
ROW = 46  # the height of a box
STORY, ROOM = 350, 272  # where the column in the middle begins, and how wide its boxes are
FIRST, PITCH = 60, 68  # where its first box begins, and how far it is to the next


@dataclass(frozen=True)
class Box:
    """What happens, and the files in which it does."""

    x: int
    y: int
    width: int
    title: str
    files: str
    kind: str = ""


STEPS = (
    ("environment", "agi.py"),
    ("line: company, plan, language", "call.py, config/"),
    ("caller, and its pseudonym", "caller.py"),
    ("history", "ledgers/transaction.py"),
    ("decision, with a reason", "policy.py"),
    ("playback: how much was heard", "asterisk/agi_session.py, playback.py"),
    ("record", "call_handler.py"),
    ("commit", "ledgers/groupcommit.py or sqlite.py"),
    ("variables, last of all", "call.py, asterisk/agi_session.py"),
)
LEFT, RIGHT = 20, 712
BOXES = (
    *(Box(STORY, FIRST + PITCH * at, ROOM, *step, "story") for at, step in enumerate(STEPS)),
    Box(LEFT, 60, 236, "first try: the service", "service.py, asterisk/fastagi.py"),
    Box(LEFT, 128, 236, "second: a script", "script.py, script_session.py"),
    Box(LEFT, 264, 236, "last: the dialplan by itself", "dialplan/informativa.conf"),
    Box(LEFT, 400, 236, "the channel", "ANSWER, STREAM FILE → endpos", "outside"),
    Box(LEFT, 604, 236, "the dialplan goes on", "INFORMATIVA_STATUS, _REASON, …"),
    Box(RIGHT, 196, 248, "the company's key", "keys/*.key, config/controllers.py", "outside"),
    Box(RIGHT, 264, 248, "the company's ledger", "one SQLite file: ledgers/", "outside"),
    Box(RIGHT, 332, 248, "the company's own systems", "lookups/", "outside"),
    Box(RIGHT, 400, 248, "other boxes, by a database", "sharing/", "outside"),
    Box(RIGHT, 468, 248, "the spool: rows in AstDB", "spool.py; no caller in it", "outside"),
    Box(RIGHT, 604, 248, "collected every minute", "maintenance.py, asterisk/ami.py"),
)


@dataclass(frozen=True)
class Arrow:
    """A way through points; a dashed one is taken where something fails."""

    points: Sequence[tuple[int, int]]
    text: str = ""
    at: tuple[int, int] = (0, 0)
    dashed: bool = False
    anchor: str = "middle"


def _middle(step: int) -> int:
    return FIRST + PITCH * step + ROW // 2


END = STORY + ROOM
ARROWS = (
    *(
        Arrow([(STORY + ROOM // 2, FIRST + PITCH * at + ROW), (STORY + ROOM // 2, FIRST + PITCH * (at + 1))])
        for at in range(len(STEPS) - 1)
    ),
    Arrow([(256, 83), (STORY, 83)], "AGI", (303, 77)),
    Arrow([(256, 151), (303, 151), (303, 97), (STORY, 97)]),
    Arrow([(138, 106), (138, 128)], "no status", (146, 122), dashed=True, anchor="start"),
    Arrow([(138, 174), (138, 264)], "no status", (146, 224), dashed=True, anchor="start"),
    Arrow([(STORY, _middle(5) - 4), (303, _middle(5) - 4), (303, 423), (256, 423)]),
    Arrow([(STORY, _middle(8)), (256, _middle(8))], "MSet", (303, _middle(8) - 6)),
    Arrow([(138, 310), (138, 378), (LEFT - 12, 378), (LEFT - 12, 627), (LEFT, 627)]),
    Arrow([(RIGHT, 219), (END, 219)]),
    Arrow([(RIGHT, 287), (END, 287)], "reads", ((RIGHT + END) // 2, 281)),
    Arrow([(RIGHT, 355), (END, 355)], "if due", ((RIGHT + END) // 2, 349)),
    Arrow([(RIGHT, 423), (667, 423), (667, 365), (END, 365)]),
    Arrow([(END, _middle(6)), (RIGHT, _middle(6))], "if it fails", (628, 485), dashed=True, anchor="start"),
    Arrow([(END, _middle(7)), (697, _middle(7)), (697, 301), (RIGHT, 301)], "", (0, 0)),
    Arrow([(RIGHT + 124, 514), (RIGHT + 124, 604)]),
    Arrow([(RIGHT + 248, 627), (RIGHT + 260, 627), (RIGHT + 260, 287), (RIGHT + 248, 287)]),
    Arrow(
        [(256, 287), (280, 287), (280, 700), (676, 700), (676, 503), (RIGHT, 503)],
        "a row of its own, written by the dialplan",
        (478, 694),
        dashed=True,
    ),
)
HEADINGS = ((LEFT, "Asterisk"), (STORY, "the story of one call"), (RIGHT, "what it needs, and leaves"))
STYLE = """
svg { color: #1f2328; font-family: system-ui, "DejaVu Sans", sans-serif; }
rect { fill: currentColor; fill-opacity: .04; stroke: currentColor; stroke-opacity: .55; }
.story { fill: #2f81f7; fill-opacity: .14; stroke: #2f81f7; stroke-opacity: 1; }
.outside { stroke-dasharray: 1 3; stroke-opacity: 1; stroke-linecap: round; }
text { fill: currentColor; font-size: 14px; }
.heading { font-size: 15px; font-weight: 600; }
.files { font-size: 11.5px; font-family: ui-monospace, "DejaVu Sans Mono", monospace; opacity: .8; }
.label { font-size: 11.5px; font-style: italic; }
.arrow { fill: none; stroke: currentColor; stroke-width: 1.4; marker-end: url(#head); }
.dashed { stroke-dasharray: 6 4; }
#head path { fill: currentColor; }
@media (prefers-color-scheme: dark) { svg { color: #e6edf3; } }
"""
TITLE = "One call through informativa"
SUMMARY = (
    "Asterisk tries the service, then a script, then its own dialplan. A call goes from the AGI environment"
    " to line, caller, history, decision, playback, record, commit and the variables of the dialplan."
)


def main() -> int:
    """Print it."""
    print("\n".join(_lines()))
    return 0


def _lines() -> Iterator[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    yield f"<title>{TITLE}</title>"
    yield f"<desc>{SUMMARY}</desc>"
    yield f"<style>{STYLE}</style>"
    yield (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        ' orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    for x, text in HEADINGS:
        yield f'<text class="heading" x="{x}" y="36">{escape(text)}</text>'
    for arrow in ARROWS:
        yield from _arrow(arrow)
    for box in BOXES:
        yield from _box(box)
    yield "</svg>"


def _box(box: Box) -> Iterator[str]:
    kind = f' class="{box.kind}"' if box.kind else ""
    yield f'<rect{kind} x="{box.x}" y="{box.y}" width="{box.width}" height="{ROW}" rx="6"/>'
    yield f'<text x="{box.x + 12}" y="{box.y + 20}">{escape(box.title)}</text>'
    yield f'<text class="files" x="{box.x + 12}" y="{box.y + 37}">{escape(box.files)}</text>'


def _arrow(arrow: Arrow) -> Iterator[str]:
    way = " ".join(f"{x} {y}" for x, y in arrow.points)
    kind = "arrow dashed" if arrow.dashed else "arrow"
    yield f'<path class="{kind}" d="M{way}"/>'
    if arrow.text:
        x, y = arrow.at
        yield f'<text class="label" x="{x}" y="{y}" text-anchor="{arrow.anchor}">{escape(arrow.text)}</text>'


if __name__ == "__main__":
    sys.exit(main())
