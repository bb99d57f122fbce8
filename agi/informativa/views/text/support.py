"""A bundle for support, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.support.bundle import SupportBundle
from ..messages import Language


def written(made: SupportBundle, say: Language) -> Iterator[str]:
    """Where it is, what is in it, and what to do before it is sent."""
    yield say(
        "Wrote {file}, for you alone to read: {members}.", file=made.file, members=", ".join(made.members)
    )
    yield say(
        "No number, pseudonym, reference, key or password is in it; names of companies and hosts are. Look"
        " through it before you send it: tar xzf {file}",
        file=made.file,
    )
