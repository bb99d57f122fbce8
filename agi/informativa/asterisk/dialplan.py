"""dialplan/informativa.conf made out for one configuration: where the service listens, which script and
settings the second try uses, and which prompt each line falls back to. Pure text."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from .. import STARTED
from ..caller import spellings
from ..config import Configuration
from ..model import Line

TEST_CONTEXT = "informativa-test"  # where a test call may come in, and from which nothing goes on
_SERVICE = "127.0.0.1:4588"  # as written in the shipped file, which says why
_NOTICE = f"agi://{_SERVICE}/notice"
_SCRIPT = "AGI(informativa-agi,"
_AWAY = ' same => n,ExecIf($["${INFORMATIVA_STATUS}${INFORMATIVA_REASON}" = ""]?'
_LINES = "[informativa-lines]\n"


def started(configuration: Path) -> Path:
    """The name by which Asterisk starts the script for a configuration: a link beside it to the installed
    `informativa-agi`, which knows by its own name which configuration is meant (see cli/agi.py)."""
    return configuration.with_name(f"{configuration.name}{STARTED}")


def render(shipped: str, configuration: Configuration, now: datetime) -> str:
    """The text of the file to include: `shipped` with this configuration's addresses and lines.

    The last context of the shipped file, `[informativa-lines]`, is an example and is replaced.
    """
    body, context, _ = shipped.partition(_LINES)
    notice = "/".join(("notice", *configuration.tokens[:1]))
    body = body.replace(_NOTICE, f"agi://{configuration.listen}/{notice}")
    if configuration.elsewhere:
        own = re.compile(r"^ same => n,AGI\(agi://[^,]*,(.*)\)$", re.M)
        tried = f"{_AWAY}AGI({configuration.elsewhere}/{notice},"
        body = own.sub(lambda found: f"{found[0]}\n{tried}{found[1]}))", body)
    body = body.replace(_SCRIPT, f"AGI({started(configuration.file)},")
    rows = [row for line in configuration.lines for row in _rows(line, now)]
    fallback = configuration.fallback.path if configuration.fallback else ""
    return body + context + "".join(rows) + _row("default", fallback)


def _rows(line: Line, now: datetime) -> list[str]:
    """The line in every spelling that a dialplan may pass, with all that its plan may play."""
    current = (step.notice.current(now) for step in line.plan)
    prompts = "&".join(prompt.path for version in current if (prompt := version.prompt(line.language)))
    return [_row(spelling, prompts) for spelling in sorted(spellings(line.number, line.region))]


def _row(extension: str, prompt: str) -> str:
    return f"exten => {extension},1,Return({prompt})\n"
