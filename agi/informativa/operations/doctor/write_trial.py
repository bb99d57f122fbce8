"""Writing to ledgers as the user who must, and taking it back: what modes do not tell (a disk that is mounted
for reading, an access list, a log that another left) the system says then.

Root does it in a process of its own, which becomes that user when all of its code is loaded, for a program in
root's home could load nothing more after it.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ... import storage
from ...errors import LedgerError
from ...model import Controller
from ...text import Foreign, Text

SECONDS = 10.0  # for the process; it takes a fraction of one


def writing(uid: int, controllers: Sequence[Controller]) -> list[LedgerError]:
    """What keeps a user from writing to these ledgers, as far as we can try it."""
    if not controllers:
        return []
    if uid == os.geteuid():
        return _tried([one.ledger for one in controllers])
    if os.geteuid() != 0:
        return []
    command = [sys.executable, "-m", __name__, str(uid), *(one.ledger for one in controllers)]
    try:
        ran = subprocess.run(  # noqa: S603  # our own
            command, capture_output=True, text=True, timeout=SECONDS, check=True
        )
        return [LedgerError(*map(_text, each)) for each in json.loads(ran.stdout)]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []  # it could not be tried; the modes were looked at


def _tried(ledgers: Sequence[str]) -> list[LedgerError]:
    found = []
    for file in ledgers:
        try:
            storage.try_writing(Controller(id="", name="", key=b"", ledger=file))
        except LedgerError as error:
            found.append(error)
    return found


def _data(text: Text) -> dict[str, Any]:
    """A text for another process."""
    parts = {name: (isinstance(one, Foreign), str(one)) for name, one in text.arguments.items()}
    return {"template": text.template, "arguments": parts}


def _text(data: dict[str, Any]) -> Text:
    parts = {name: Foreign(one) if foreign else one for name, (foreign, one) in data["arguments"].items()}
    return Text(data["template"], **parts)


def _become(uid: int) -> None:
    """For good."""
    try:
        known = pwd.getpwuid(uid)
        os.initgroups(known.pw_name, known.pw_gid)
        os.setgid(known.pw_gid)
    except KeyError:
        os.setgroups([])
        os.setgid(uid)
    os.setuid(uid)


def _load_all() -> None:
    """Have loaded what a trial needs, while we may load it: by one in a ledger that goes again."""
    from ...ledgers.sqlite import SqliteStore

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "trial.sqlite3"))
        SqliteStore(file).close()
        _tried([file])


def main(arguments: Sequence[str]) -> None:
    """Print, as JSON, what kept the user with that number from writing to these ledgers."""
    _load_all()
    _become(int(arguments[0]))
    json.dump([(_data(error.message), _data(error.remedy)) for error in _tried(arguments[1:])], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
