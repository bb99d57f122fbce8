"""What became of a configuration file, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.config_upgrade import ConfigUpgrade
from ..messages import Language
from ..terminal import one_line


def upgraded(done: ConfigUpgrade, say: Language) -> Iterator[str]:
    """What changed, and what to do next."""
    facts = {"file": done.file, "before": done.before, "after": done.after}
    if done.before == done.after:
        yield say("{file} is of format {after}, the newest.", **facts)
        return
    yield from map(one_line, done.difference)
    if done.written:
        yield say("{file} is of format {after} now (it was {before}); it means what it meant.", **facts)
        yield say("Next: informativa check -c {file}", file=done.file)
    else:
        yield say("{file} would be of format {after} (it is {before}); nothing was written.", **facts)
