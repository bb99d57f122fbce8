"""A bundle for support, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.support.bundle import SupportBundle
from ..messages import Language


def written(bundle: SupportBundle, say: Language) -> Iterator[str]:
    """Yield the message of the file and its content, and what to do before it is sent."""
    yield say(
        "Wrote {file}, for you alone to read: {members}.", file=bundle.file, members=", ".join(bundle.members)
    )
    yield say(
        "No number, pseudonym, reference, key or password is in it; names of companies and hosts are. Look"
        " through it before you send it: tar xzf {file}",
        file=bundle.file,
    )
