"""Secrets that were made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...operations import keys
from .shapes import Document


class NewSecret(Document):
    """A secret that was made: where, never which."""

    kind: keys.SecretKind
    """What it is for: a company's pseudonyms, to know Asterisk by, or its manager interface."""
    controller: str | None
    """Whose key it is."""
    file: str
    """Where it is."""
    owner: str
    """The only user who can read it."""

    @classmethod
    def of(cls, secret: keys.NewSecret) -> NewSecret:
        """As it was made."""
        return cls(
            kind=secret.kind,
            controller=secret.controller or None,
            file=str(secret.file),
            owner=secret.owner,
        )


class Rotation(Document):
    """A secret in the place of another one."""

    kind: keys.SecretKind
    """What it is for."""
    controller: str | None
    """Whose key it is."""
    file: str
    """Where the new one is, or would be."""
    old_files: list[str]
    """Where the old ones are that still count, the newest first."""
    done: bool
    """Whether it was done, or only would be."""
    next: list[str]
    """What to type then, in this order."""

    @classmethod
    def of(cls, rotation: keys.KeyRotation | keys.TokenRotation) -> Rotation:
        """Of a company's key, or of the token by which Asterisk is known."""
        of_key = isinstance(rotation, keys.KeyRotation)
        return cls(
            kind=keys.SecretKind.KEY if of_key else keys.SecretKind.TOKEN,
            controller=rotation.controller.id if isinstance(rotation, keys.KeyRotation) else None,
            file=str(rotation.file),
            old_files=[str(file) for file in _old_ones(rotation)],
            done=bool(rotation.old) or not of_key,
            next=list(rotation.next),
        )


def _old_ones(rotation: keys.KeyRotation | keys.TokenRotation) -> Iterable[Path]:
    if isinstance(rotation, keys.TokenRotation):
        return rotation.old
    return (rotation.old,) if rotation.old else ()
