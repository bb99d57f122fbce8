"""What a release says: `python tests/lab/release.py 1.2.3` prints that version's part of the changelog.

Ends with 1 unless the package has that version and the changelog says what is new in it. Only the standard
library, because it runs before anything is installed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Print it; the exit code."""
    (version,) = arguments
    package = (ROOT / "agi/informativa/__init__.py").read_text(encoding="utf-8")
    if f'__version__ = "{version}"' not in package:
        print(f"The package is not {version}: mend __version__ in agi/informativa.", file=sys.stderr)
        return 1
    notes = of_version((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if not notes:
        print(f"The changelog says nothing of {version}: name its first heading so.", file=sys.stderr)
        return 1
    print(notes)
    return 0


def of_version(changelog: str, version: str) -> str:
    """What stands below the heading `## 1.2.3`, with a date behind it or without; '' if there is none."""
    heading = rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)"
    found = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
