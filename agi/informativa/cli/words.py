"""The language of whoever types commands, as in `_("There is no folder {folder}.", folder=folder)`."""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from importlib import resources

from ..views.messages import DOMAIN, Language, of_environment


class _Reader(Language):
    """English until somebody is asked."""

    def speak(self, environment: Mapping[str, str] = os.environ) -> None:
        """Speak the language of this locale from now on."""
        self._catalogue = of_environment(environment)._catalogue
        gettext.textdomain("messages")
        if self._catalogue:  # typer asks gettext itself for most of its words
            with resources.as_file(resources.files("informativa") / "locale") as folder:
                gettext.bindtextdomain(DOMAIN, str(folder))
            gettext.textdomain(DOMAIN)


_ = _Reader()
