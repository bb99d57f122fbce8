"""Builds one file that runs on any Linux with a Python of `PYTHONS`: `python -m packages.pex [FOLDER]`.

pex and not shiv or zipapp: it alone takes the compiled packages of several Pythons into one file, starts from
its cache as fast as from a virtual environment, and can lay itself as one without a network.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.markers import default_environment
from packaging.tags import compatible_tags, cpython_tags

from lab.debian import Unavailable
from packages import carried
from packages.deb import epoch

PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def build(folder: Path, wheel: Path) -> Path:
    """Put `informativa.pex`, of a wheel and all that it needs, into `folder`. Raises Unavailable."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder.absolute() / "informativa.pex"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "wheels").mkdir()
        for one in (
            wheel,
            *(carried_wheel for python in PYTHONS for carried_wheel in carried.wheels(python)),
        ):
            target = work / "wheels" / one.name
            if not target.exists():
                target.symlink_to(one)
        command = [
            *(sys.executable, "-m", "pex", f"informativa[{','.join(sorted(carried.EXTRAS))}]"),
            *(f"--pre-resolved-dists={work / 'wheels'}", f"--pex-root={work / 'root'}", "--disable-cache"),
            *(f"--complete-platform={_platform(work, python)}" for python in PYTHONS),
            *("--venv", "--sh-boot", "--include-tools", "--no-compile", "--console-script=informativa"),
            f"--output-file={made}",
        ]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch())}
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ran.returncode:
        raise Unavailable(f"It cannot be built: {ran.stderr.strip()}", "Type: make clean; make pex")
    return made


def _platform(folder: Path, python: str) -> Path:
    """A file that describes Linux on x86_64 with that Python, as pex wants it."""
    minor, abi = int(python.partition(".")[2]), f"cp{python.replace('.', '')}"
    platforms = [*carried.AMD64.platforms, "linux_x86_64"]
    tags = [
        *cpython_tags((3, minor), [abi], platforms),
        *compatible_tags((3, minor), abi, platforms),
    ]
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_version": f"{python}.0",
        "platform_release": "",  # of the machine that builds, which is nobody's business
        "platform_version": "",
    }
    file = folder / f"{python}.json"
    file.write_text(json.dumps({"marker_environment": environment, "compatible_tags": list(map(str, tags))}))
    return file


if __name__ == "__main__":
    sys.exit(carried.command("pex", lambda folder, wheel: [build(folder, wheel)], sys.argv[1:]))
