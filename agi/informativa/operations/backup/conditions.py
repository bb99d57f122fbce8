"""Conditions under which a backup may be restored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...call.caller import fingerprint
from ...config import Configuration
from ...ledgers import write_lock
from ...model import Controller
from ...model.errors import InformativaError, LedgerError
from ...model.text import Text
from ...process import storage
from .manifest import Manifest


def require_possible(configuration: Configuration, manifest: Manifest, names: Sequence[str]) -> None:
    """Check, before anything is changed, that the configuration is not of other companies alone, that nobody
    has these ledgers open, and that they, or the logs beside them, are not of another machine. Raises
    InformativaError."""
    local = configuration.controllers.keys()
    restorable = {company.controller for company in manifest.companies}
    if local and restorable and not local & restorable:
        raise InformativaError(
            Text(
                "The backup is of {names}, and the configuration {file} of {here}.",
                names=", ".join(sorted(restorable)),
                file=configuration.file,
                here=", ".join(sorted(local)),
            ),
            Text(
                "Take a backup of this machine: informativa backup list. If this one is right, put that"
                " configuration aside, and try again: mv {file} {file}.aside",
                file=configuration.file,
            ),
        )
    for controller in (
        configuration.controllers[name] for name in names if name in configuration.controllers
    ):
        ledger = Path(controller.ledger)
        _require_same_log(controller, manifest)
        if processes := write_lock.users(ledger):
            raise InformativaError(
                Text(
                    "The ledger {file} is open (process {users}).",
                    file=ledger,
                    users=", ".join(map(str, processes)),
                ),
                Text("Stop the service: systemctl stop informativa, and try again."),
            )


def _require_same_log(controller: Controller, manifest: Manifest) -> None:
    """Check that the ledger that is there has a log in common with the backup's. Raises InformativaError; a
    ledger that cannot be read is replaced."""
    with suppress(LedgerError), storage.existing_ledger(controller) as ledger:
        local = [log.origin for log in ledger.logs() if log.size] if ledger else []
        origins = manifest.company(controller.id).logs
        if local and origins and not {*local} & {*origins}:
            raise InformativaError(
                Text(
                    "The backup is of the log {log}, and here is {here}.",
                    log=origins[-1],
                    here=local[-1],
                ),
                Text("Take a backup of this machine: informativa backup list"),
            )


def require_key(manifest: Manifest, controller: Controller, file: Path) -> None:
    """Check that the key is there, in its file, by which the callers of the backup are known. Raises
    InformativaError."""
    keys = manifest.company(controller.id).keys
    if not keys or keys[0] in [fingerprint(key) for key in controller.keys if key]:
        return
    if not file.exists():
        remedy = Text(
            "Put it back as its `key:` says, with mode 0600, or give --identity FILE or"
            " --passphrase FILE, if the backup has the keys; then try again."
        )
    elif not Path(controller.ledger).exists():
        remedy = Text(
            "Another one is in its place. Put that aside, and this one there, or give --identity FILE or"
            " --passphrase FILE, if the backup has the keys; then try again: mv {key} {key}.aside",
            key=file,
        )
    else:
        remedy = Text(
            "Another one is in its place. Put that aside with its ledger, and this one there, or give"
            " --identity FILE or --passphrase FILE, if the backup has the keys; then try again:"
            " mv {key} {key}.aside; mv {ledger} {ledger}.aside",
            key=file,
            ledger=controller.ledger,
        )
    raise InformativaError(
        Text(
            "The key of {id} by which the callers of the backup are known is missing (its fingerprint is"
            " {fingerprint}).",
            id=controller.id,
            fingerprint=keys[0],
        ),
        remedy,
    )


def knows_erasures(controller: Controller) -> bool:
    """Return whether there is a ledger that tells which callers were erased."""
    try:
        with storage.existing_ledger(controller) as ledger:
            return ledger is not None and ledger.log() is not None
    except InformativaError:
        return False
