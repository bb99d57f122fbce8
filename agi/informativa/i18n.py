"""Messages in the reader's language, by gettext: `_("There is no folder {folder}.").format(folder=folder)`.

Only the commands speak it. What is logged, recorded or read by a program stays English whoever's locale
it is, so that it can be searched for: nothing is translated until `speak` was called.
"""

from __future__ import annotations

import gettext as _gettext
import os
from collections.abc import Mapping
from importlib import resources

DOMAIN = "informativa"
_messages: _gettext.NullTranslations = _gettext.NullTranslations()


def speak(environment: Mapping[str, str] = os.environ) -> None:
    """Translate from now on into the language of the locale, as gettext finds it (LANGUAGE, LC_ALL,
    LC_MESSAGES, LANG: the first that is set), or not at all where there is no catalogue for it."""
    global _messages
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = next((environment[name] for name in names if environment.get(name)), "")
    with resources.as_file(resources.files("informativa") / "locale") as folder:
        _messages = _gettext.translation(
            DOMAIN, folder, wanted.split(":") if wanted else ["C"], fallback=True
        )


def _(message: str) -> str:
    """The message in the reader's language; its {placeholders} are filled in afterwards."""
    return _messages.gettext(message) if message else ""


def ngettext(one: str, many: str, number: int) -> str:
    """The same for a message that says a number."""
    return _messages.ngettext(one, many, number)
