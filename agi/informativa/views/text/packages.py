"""A notice of today that was added, or would be, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.text import Text
from ...operations.packages.request import AddedNotice, AddedPrompt, PromptSource
from ..messages import Language
from ..terminal import one_line

_PROMPTS = {
    PromptSource.THERE: Text("{file}  {text} in {language}: is there"),
    PromptSource.SHIPPED: Text("{file}  {text} in {language}: the recording of informativa"),
    PromptSource.SPOKEN: Text("{file}  {text} in {language}: spoken by the speech engine"),
}

_NOT_WRITTEN = {
    (False, False): Text("Nothing was written. To write it, type:"),
    (True, False): Text("Nothing was written. When that is mended, type:"),
    (True, True): Text("Nothing was written. Type this, with a value in place of each …:"),
}
"""The message before the next command: is something missing, and are there values to fill in?"""


def added(result: AddedNotice, say: Language) -> Iterator[str]:
    """Yield the difference, the prompts, the dialplan's lines, the law, and what is missing; then the next
    step."""
    if result.complete:
        yield say(
            "{file} has the notice {notice} of {controller} already; nothing was changed.",
            file=result.file,
            notice=result.notice,
            controller=result.controller,
        )
    else:
        yield from map(one_line, result.difference)
    yield from _block(say("Prompts:"), (_prompt(prompt, say) for prompt in result.prompts))
    yield from _block(say("In the dialplan, after informativa:"), result.dialplan)
    yield from _block(
        say("The law:"),
        (say("{sentence} ({source})", sentence=law.sentence, source=law.source) for law in result.law),
    )
    yield from _block(say("Yours to see to:"), map(say, result.to_do))
    yield from _block(say("Missing:"), map(say, result.missing))
    if not result.complete:
        yield ""
    if result.written:
        yield say("Written to {file}; as it was before: {copy}", file=result.file, copy=result.backup)
        yield say("Next: informativa check -c {file}", file=result.file)
    elif not result.complete:
        yield say(_NOT_WRITTEN[bool(result.missing), "…" in result.next])
        yield result.next


def _prompt(prompt: AddedPrompt, say: Language) -> str:
    template = _PROMPTS[prompt.source]
    return say(template, file=prompt.path, text=prompt.text, language=prompt.language)


def _block(title: str, lines: Iterator[str] | tuple[str, ...] | map[str]) -> Iterator[str]:
    entries = list(lines)
    if entries:
        yield ""
        yield title
        yield from (f"  {line}" for line in entries)
