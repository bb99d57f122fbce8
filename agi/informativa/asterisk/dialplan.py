"""dialplan/informativa.conf filled in for one configuration: the address of the service, the script and
settings of the second try, and the prompt that each line falls back to. Pure text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from .. import STARTED
from ..call.caller import spellings
from ..config import Configuration
from ..model import Line
from ..model.countries import line_for

TEST_CONTEXT = "informativa-test"  # a test call may come in here, and leads nowhere else
_SERVICE = "127.0.0.1:4588"  # as written in the shipped file, which says why
_NOTICE = f"agi://{_SERVICE}/notice"
_SCRIPT = "AGI(informativa-agi,"
_AWAY = ' same => n,ExecIf($["${INFORMATIVA_STATUS}${INFORMATIVA_REASON}" = ""]?'
_LINES = "[informativa-lines]\n"
_OPTIONS_OF_NOTICE = re.compile(r"^exten => s,1,.*?^ same => n,Set\(LOCAL\(options\)=.*?\n", re.M | re.S)
_MARK = "internal=${FILTER(A-Za-z,${INFORMATIVA_INTERNAL})}"
_MARKED = f"""\
; The mark of the company's own telephones (`internal` in the configuration).
 same => n,Set(LOCAL(options)=${{options}},{_MARK})
"""
_MARKED_OR_FROM = f"""\
; The mark of the company's own telephones, and the context of the endpoint by which the call came in,
; which no transfer changes (`internal` in the configuration).
 same => n,Set(LOCAL(from)=)
 same => n,GotoIf($["${{CHANNEL(channeltype)}}" != "PJSIP"]?from)
 same => n,Set(LOCAL(from)=${{PJSIP_ENDPOINT(${{CHANNEL(endpoint)}},context)}})
 same => n(from),Set(LOCAL(options)=${{options}},{_MARK}:${{FILTER(A-Za-z0-9_.\\-,${{from}})}})
"""
_ROW = re.compile(r"^exten => [^,]+,1,.*\n(?: same => .*\n)*", re.M)
_TELLING = 6  # digits of a national number by which it is told from others of the same installation
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def started(configuration: Path) -> Path:
    """Return the name by which Asterisk starts the script for a configuration: a link beside it to the
    installed `informativa-agi`, which finds its configuration by its own name (see cli/agi.py)."""
    return configuration.with_name(f"{configuration.name}{STARTED}")


def render(shipped: str, configuration: Configuration, earlier: str = "") -> str:
    """Return the text of the file to include: `shipped` with this configuration's addresses and lines.

    The last context of the shipped file, `[informativa-lines]`, is an example and is replaced. A line of a
    company with mistakes whose prompts are not known by them stays as in the `earlier` text of the file.
    """
    body, context, _ = shipped.partition(_LINES)
    notice = "/".join(("notice", *configuration.tokens[:1]))
    if internal := next((line.internal for line in configuration.lines if line.internal), None):
        steps = _MARKED_OR_FROM if internal.contexts else _MARKED
        body = _OPTIONS_OF_NOTICE.sub(lambda match: f"{match[0]}{steps}", body)
    body = body.replace(_NOTICE, f"agi://{configuration.listen}/{notice}")
    if configuration.elsewhere:
        service_try = re.compile(r"^ same => n,AGI\(agi://[^,]*,(.*)\)$", re.M)
        second_try = f"{_AWAY}AGI({configuration.elsewhere}/{notice},"
        body = service_try.sub(lambda match: f"{match[0]}\n{second_try}{match[1]}))", body)
    body = body.replace(_SCRIPT, f"AGI({started(configuration.file)},")
    rows = [row for line in _playable(configuration) for row in _rows(line)]
    rows += _earlier_rows(earlier, configuration, [_extension(row) for row in rows])
    fallback = configuration.fallback.path if configuration.fallback else ""
    return body + context + "".join(rows) + _row("default", [(0, fallback)])


def _playable(configuration: Configuration) -> Iterator[Line]:
    """Yield the lines with prompts of their own. Those of a company with mistakes in its part are among them
    where each of their prompts is known; callers of the others hear the default."""
    for line in configuration.lines:
        name = line.controller.id
        is_whole = name not in configuration.invalid_controllers
        if name not in configuration.mistaken or (
            is_whole and all(prompts for _start, prompts in _prompts(line_for(line, "")))
        ):
            yield line


def _earlier_rows(earlier: str, configuration: Configuration, extensions: Collection[str]) -> list[str]:
    """Return the rows of an earlier file for lines of companies with mistakes that are not among these
    extensions: their callers hear what they heard before the mistake."""
    rows = _ROW.findall(earlier.partition(_LINES)[2])
    numbers = [number for number, owner in configuration.owners.items() if owner in configuration.mistaken]
    return [
        row
        for row in rows
        if _extension(row) not in extensions and any(_is_of(_extension(row), number) for number in numbers)
    ]


def mute_lines(text: str, configuration: Configuration) -> list[str]:
    """Return the numbers of companies with mistakes whose callers hear nothing by this text of the file."""
    extensions = [_extension(row) for row in _ROW.findall(text.partition(_LINES)[2])]
    return [
        number
        for number, owner in configuration.owners.items()
        if owner in configuration.mistaken
        and not configuration.fallback
        and not any(_is_of(extension, number) for extension in extensions)
    ]


def _extension(row: str) -> str:
    return row.removeprefix("exten => ").partition(",")[0]


def _is_of(extension: str, number: str) -> bool:
    """Return whether an extension seems to be a spelling of a number, whose region is not known if its line
    has mistakes: the same digits, or the last six and more, but for zeros and a plus in front."""
    digits, others = extension.lstrip("+0"), number.lstrip("+0")
    return digits == others or (len(digits) >= _TELLING and others.endswith(digits))


def _rows(line: Line) -> list[str]:
    """Write the line in every spelling that a dialplan may pass, with the prompts of its plan and their
    times."""
    prompts = _prompts(line_for(line, ""))
    return [_row(spelling, prompts) for spelling in sorted(spellings(line.number, line.region))]


def _prompts(line: Line) -> list[tuple[int, str]]:
    """Schedule the plan's prompts: the time from which each is played (seconds since 1970), the earliest
    first, from 0 on. The times are the first days of versions, so that the file stays right when the next
    version begins. Playback hears no key, so prompts that name a key are left out."""
    starts = {version.starts for step in line.plan for version in step.notice.versions if version.starts}
    schedule = list[tuple[int, str]]()
    for start in (_BEGINNING, *sorted(starts)):
        current = (step.notice.current(start) for step in line.plan)
        version_prompts = (version.prompt_without_keys(line.language) for version in current)
        prompts = "&".join(prompt.path for prompt in version_prompts if prompt)
        if not schedule or schedule[-1][1] != prompts:
            schedule.append((int(start.timestamp()), prompts))
    return schedule


def _row(extension: str, prompts: list[tuple[int, str]]) -> str:
    """Return an extension that returns the prompts of the time of the call: the newest first."""
    *later, (_start, first) = reversed(prompts)
    head, rows = f"exten => {extension},1", list[str]()
    for start, prompt in later:
        label = f"before{start}"
        rows += [f"{head},GotoIf($[${{EPOCH}} < {start}]?{label})", f" same => n,Return({prompt})"]
        head = f" same => n({label})"
    return "".join(f"{row}\n" for row in [*rows, f"{head},Return({first})"])
