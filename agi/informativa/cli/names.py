"""Names from a configuration, for the shell's completion: `python -m informativa.cli.names controllers FILE`.

Run at each press of the tab key, so it loads little, and whatever is wrong, it says nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any


def names(kind: str, data: Any) -> Iterable[str]:
    """Return the names of a kind in a configuration's plain data."""
    controllers = data["controllers"]
    notices = [notice for controller in controllers.values() for notice in controller["notices"].items()]
    versions = [version for _, notice in notices for version in notice["versions"]]
    kinds = {
        "controllers": list(controllers),
        "lines": list(data["lines"]),
        "notices": [name for name, _ in notices],
        "versions": [version["version"] for version in versions],
        "languages": [language for version in versions for language in version["short"]],
    }
    return dict.fromkeys(kinds[kind])


if __name__ == "__main__":
    with suppress(Exception):
        import yaml

        with open(sys.argv[2], encoding="utf-8") as opened:  # noqa: PTH123  # pathlib takes its time to load
            data = yaml.load(opened, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506  # texts only
        print("\n".join(names(sys.argv[1], data)))
