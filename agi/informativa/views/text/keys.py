"""Secrets that were made or rotated, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...model import Controller
from ...operations.doctor.account import new_account
from ...operations.keys import NewSecret, Rotation, SecretKind
from ..messages import Language
from .account import instructions
from .retention import instructed


def secret_made(secret: NewSecret, config: Path, say: Language) -> Iterator[str]:
    """Yield the message of the file, and the next step."""
    names = {"file": secret.file, "user": secret.owner}
    if secret.kind is SecretKind.KEY:
        yield say("Wrote {file}, readable by {user} alone. Keep a copy of it in a safe place.", **names)
    else:
        yield say("Wrote {file}, readable by {user} alone.", **names)
    if secret.kind is SecretKind.MANAGER:
        yield "\n" + instructions(new_account(config, secret.account, secret.file), say).removesuffix("\n")
    else:
        yield say("Next: informativa check -c {file}", file=config)


def rotated(rotation: Rotation, controller: Controller, say: Language) -> Iterator[str]:
    """Yield the result of a rotation of a controller's key, or its preview."""
    names = {"name": controller.name, "id": controller.id}
    if rotation.instruction:
        yield instructed(controller.name, controller.id, rotation.instruction, rotation.done, say)
    if not rotation.done:
        yield say(
            "{name} ({id}) would get a new key in {key}; the old one would be put away beside it, and"
            " recognise callers for as long as old_keys_for says.",
            key=rotation.file,
            **names,
        )
        yield say("Nothing was changed yet. To do it, add --yes.")
        return
    yield say("{name} ({id}) has a new key; the old one is {old}.", old=rotation.old_files[0], **names)
    yield say("Next: have the service load it (systemctl reload informativa).")


def rotated_token(rotation: Rotation, say: Language) -> Iterator[str]:
    """Yield the message of the file, and the commands to type, in order."""
    if rotation.old_files:
        yield say.counted(
            "Wrote {file}; the old token is {old}, accepted until the first call with the new one.",
            "Wrote {file}; the old tokens are {old}, accepted until the first call with the new one.",
            len(rotation.old_files),
            file=rotation.file,
            old=", ".join(map(str, rotation.old_files)),
        )
    else:
        yield say("Wrote {file}.", file=rotation.file)
    yield say("Next, in this order: {commands}", commands="; ".join(rotation.next))
