"""A configuration that was made, and files that were made for one, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..messages import Language
from ..terminal import one_line

if TYPE_CHECKING:  # each command loads this module, and they would load half of the program
    from ...operations.generated import Generated
    from ...operations.init import NewConfiguration


def files_message(configuration: NewConfiguration, say: Language) -> str:
    """Return the message of the files, and the next step."""
    return say(
        "Wrote {file} with two example companies, their keys and the prompts. The second is not live"
        " until its papers are named.\nNext: edit {file}, then type: informativa check -c {file}",
        file=configuration.file,
    )


def company_message(configuration: NewConfiguration, say: Language) -> Iterator[str]:
    """Yield what was written for one company, or would be, what was left out, and the next step."""
    if not configuration.written:
        yield from map(one_line, configuration.text.splitlines())
        yield ""
    facts = {"file": configuration.file, "company": configuration.company}
    if configuration.written:
        yield say("Wrote {file} for {company}, with its keys and the prompts.", **facts)
    else:
        yield say("Nothing was written. {file} would be so for {company}; to write it, add --yes.", **facts)
    if configuration.notices:
        yield say("Notices of today: {names}", names=", ".join(configuration.notices))
    for left in configuration.left_out:
        yield say("Left out: {notice}", notice=left.notice)
        yield from (f"  {say(reason)}" for reason in left.reasons)
        yield "  " + say("To add it later: {command}", command=left.next)
    if configuration.written:
        yield say("Next: informativa check -c {file}", file=configuration.file)


def file_message(generated: Generated, say: Language) -> str:
    """Return the message of a file that was made for a configuration, and the next command."""
    return say("Wrote {file}. Next: {then}", file=generated.file, then=generated.next)
