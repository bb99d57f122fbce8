"""A trial of writing to ledgers as their user, which is rolled back. It finds what modes do not show: a disk
that is mounted read-only, an access list, a file that another user left beside the ledger.

Root makes the trial in a separate process. That process loads all of its code before it becomes the user: a
program in root's home could not load anything afterwards.
"""

from __future__ import annotations

import json
import os
import pwd
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...model import Controller
from ...model.errors import LedgerError
from ...model.text import Foreign, Text
from ...process import storage
from ...system.processes import TIMED_OUT, run_command

SECONDS = 10.0  # for the process; it takes a fraction of one


def writing(uid: int, controllers: Sequence[Controller]) -> list[LedgerError]:
    """Return the errors of a user's writing to these ledgers; none if we may not become that user. Raises
    TimeoutError where the trial hangs."""
    if not controllers:
        return []
    if uid == os.geteuid():
        return _errors([controller.ledger for controller in controllers])
    if os.geteuid() != 0:
        return []
    command = [sys.executable, "-m", __name__, str(uid), *(controller.ledger for controller in controllers)]
    trial = run_command(command, SECONDS)
    if trial.code == TIMED_OUT:
        raise TimeoutError
    if trial.code:
        return []  # no trial was possible; the modes are checked elsewhere
    return [LedgerError(*map(_text, texts)) for texts in json.loads(trial.output)]


def _errors(ledgers: Sequence[str]) -> list[LedgerError]:
    errors = []
    for file in ledgers:
        try:
            storage.try_writing(Controller(id="", name="", key=b"", ledger=file))
        except LedgerError as error:
            errors.append(error)
    return errors


def _data(text: Text) -> dict[str, Any]:
    """Return a text as JSON data, for another process."""
    parts = {name: (isinstance(value, Foreign), str(value)) for name, value in text.arguments.items()}
    return {"template": text.template, "arguments": parts}


def _text(data: dict[str, Any]) -> Text:
    parts = {
        name: Foreign(value) if is_foreign else value
        for name, (is_foreign, value) in data["arguments"].items()
    }
    return Text(data["template"], **parts)


def _become(uid: int) -> None:
    """Become that user, which cannot be undone."""
    try:
        user = pwd.getpwuid(uid)
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
    except KeyError:
        os.setgroups([])
        os.setgid(uid)
    os.setuid(uid)


def _load_all() -> None:
    """Load all code that a trial needs, by a trial with a temporary ledger."""
    from ...ledgers.sqlite import SqliteStore

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "trial.sqlite3"))
        SqliteStore(file).close()
        _errors([file])


def main(arguments: Sequence[str]) -> None:
    """Print, as JSON, the errors of a user's writing to ledgers; `arguments` are the user's id and the
    ledgers."""
    _load_all()
    _become(int(arguments[0]))
    json.dump([(_data(error.message), _data(error.remedy)) for error in _errors(arguments[1:])], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
