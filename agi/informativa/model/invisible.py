"""Characters that nobody sees, and a name for each in their place."""

from __future__ import annotations

import re

# Control characters, what turns the direction of a line, and what nobody sees: in somebody else's text they
# would show a reader another text than the one that is on record. The same stands in receipt/words.js.
INVISIBLE = (
    "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}\\U000e0000-\\U000e0fff\\ud800-\\udfff]")


def visible(text: str) -> str:
    """Return the text with a name in place of each character that is not seen: ⟨U+202E⟩."""
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)
