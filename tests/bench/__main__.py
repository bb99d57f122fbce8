"""`python -m bench`: measure, and write what was found."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from . import (
    console,
    counted,
    direct,
    evidence,
    forecasting,
    inside,
    ledger,
    machine,
    monitoring,
    plots,
    report,
    script,
)
from .figures import RefusedError, Report, SkippedError

Measure = Callable[[Report, Path], None]

# Name, how it is measured, and the same with numbers that are quick and rough.
MEASURES: dict[str, tuple[Measure, Measure]] = {
    "step": (inside.step, lambda r, f: inside.step(r, f, rounds=3, times=100, processes=3)),
    "throughput": (inside.through, lambda r, f: inside.through(r, f, rounds=3, calls=500)),
    "first-rtp": (inside.first_rtp, lambda r, f: inside.first_rtp(r, f, rounds=10)),
    "direct": (direct.direct, lambda r, f: direct.direct(r, f, rounds=3, calls=1500)),
    "in-flight": (
        direct.in_flight,
        lambda r, f: direct.in_flight(r, f, rounds=2, calls=500, numbers=(1, 16, 64)),
    ),
    "playing": (direct.playing, lambda r, f: direct.playing(r, f, notices=500, seconds=3)),
    "scale": (ledger.scale, lambda r, f: ledger.scale(r, f, callers=1_000_000, rounds=5)),
    "instructions": (counted.instructions, lambda r, f: counted.instructions(r, f, calls=128)),
    "script": (script.script, lambda r, f: script.script(r, f, rounds=5)),
    "import": (ledger.importing, lambda r, f: ledger.importing(r, f, rows=50_000)),
    "evidence": (evidence.evidence, lambda r, f: evidence.evidence(r, f, records=100_000, rounds=5)),
    "forecast": (
        forecasting.forecasting,
        lambda r, f: forecasting.forecasting(r, f, callers=50_000, rounds=3, seconds=5),
    ),
    "monitor": (
        monitoring.monitoring,
        lambda r, f: monitoring.monitoring(r, f, leaves=100_000, rounds=10),
    ),
    "console": (
        console.console,
        lambda r, f: console.console(r, f, records=50_000, times=50, rounds=3, seconds=5),
    ),
}


# With as many as a large company has in years.
LARGE: dict[str, Measure] = {
    "evidence": lambda r, f: evidence.evidence(r, f, records=evidence.MANY, rounds=5),
    "monitor": lambda r, f: monitoring.monitoring(r, f, leaves=evidence.MANY),
}
TOGETHER = {"cpu": "throughput", "start": "scale"}  # measured in the same run


def main() -> int:
    """Run the measures that are asked for; 1 if one of them was refused."""
    options = _options()
    screen = Console(stderr=True, highlight=False)
    measured = Report()
    options.output.mkdir(parents=True, exist_ok=True)
    described = machine.describe(options.output)
    if slow := machine.slow_python():
        measured.warnings.append(slow)
        screen.print(slow, style="bold")
    for name in options.only:
        screen.print(f"{time.strftime('%H:%M:%S')} {name} …")
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=options.output))
        try:
            measure = LARGE.get(name) if options.large else None
            (measure or MEASURES[name][options.quick])(measured, folder)
        except SkippedError as error:
            measured.left_out.append((name, str(error)))
        except RefusedError as error:
            measured.refused.append((name, str(error)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    described |= measured.versions
    text = report.markdown(measured, described)
    for file, content in (("report.md", text), ("report.json", report.as_json(measured, described))):
        (options.output / file).write_text(content)
    drawn = plots.draw(measured, described, options.output)
    Console().print(Markdown(text))
    written = ", ".join(["report.md", "report.json", *(file.name for file in drawn)])
    screen.print(f"Written into {options.output}: {written}")
    return 1 if measured.refused else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        metavar="NAMES",
        type=lambda names: list(dict.fromkeys(TOGETHER.get(name, name) for name in names.split(","))),
        default=list(MEASURES),
        help=f"comma-separated, of: {', '.join([*MEASURES, *TOGETHER])}",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds, for a first look")
    parser.add_argument(
        "--large",
        action="store_true",
        help="evidence and monitor with 10,000,000 records: about an hour, and 13 GB of disk meanwhile",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path(".bench"),
        help="where the report goes; ledgers lie there meanwhile, so its disk is the one that is measured",
    )
    options = parser.parse_args()
    options.output = options.output.absolute()
    if unknown := set(options.only) - MEASURES.keys():
        parser.error(f"not a measure: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
