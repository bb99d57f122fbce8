"""Builds the Debian packages, and what lies beside them, as a plain user: `python -m packages.deb [FOLDER]`.

A private environment in /usr/lib/informativa, as `venv` would lay it: pyvenv.cfg, a `bin/python` that leads
to the machine's newest Python of `PYTHONS`, which postinst chooses, and packages for each of them. So a
program starts as from a virtual environment, and nothing of the system's Python is touched. All that is in it
has the time of the last commit, so that two builds are the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from string import Template

from packaging.utils import canonicalize_name, parse_wheel_filename

from informativa import config
from informativa.operations import init, systemd_unit
from lab.debian import Unavailable
from lab.setup import ROOT
from packages import carried, sbom

PYTHONS = ("3.11", "3.12", "3.13")
SOURCES = ROOT / "tests/packages/debian"
_LIB = "usr/lib/informativa"
_CONFIG, _OWNER = Path("/etc/informativa"), "asterisk"
_WATCHING = ("informativa-witness.service", "informativa-monitor.service")
_PROGRAMS = {"informativa": "main", "informativa-agi": "agi"}
_PROGRAM = """\
#!/{lib}/bin/python -I
import sys

from informativa.cli.{module} import main

sys.exit(main())
"""
_COPYRIGHT = """\
informativa is
Copyright: {year} the informativa contributors
License: Apache-2.0, see /usr/share/common-licenses/Apache-2.0

In /{lib}/lib it brings these packages along, each under the copyright and the
licence that its folder *.dist-info holds, unchanged, and replaceable there. For LGPL-3.0-only
see /usr/share/common-licenses/LGPL-3, for LGPL-2.1-or-later /usr/share/common-licenses/LGPL-2.1.

{rows}
"""


def build_all(folder: Path, wheel: Path) -> list[Path]:
    """Put the package of a wheel for each architecture into `folder`. Raises Unavailable."""
    return [build(folder, wheel, architecture=architecture) for architecture in carried.ARCHITECTURES]


def build(
    folder: Path,
    wheel: Path,
    compression: str = "xz",
    architecture: carried.Architecture = carried.AMD64,
    sources: Path = SOURCES,
) -> Path:
    """Put the package of a wheel into `folder`, with its parts list beside it; with `compression` as dpkg-deb
    knows it, and the control file and scripts in `sources`. Raises Unavailable."""
    if not shutil.which("dpkg-deb"):
        raise Unavailable("dpkg-deb is not on this machine, so it is not a Debian.", "Build it on one.")
    folder.mkdir(parents=True, exist_ok=True)
    version, made = wheel.name.split("-")[1], epoch()
    package = folder / f"informativa_{version}_{architecture.debian}.deb"
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        tree.mkdir()
        parts = _environment(tree, wheel, architecture)
        _documents(tree, version, made)
        _units(tree, Path(work) / "etc")
        _control(tree, version, architecture, sources)
        _settle(tree, made)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(made), "LC_ALL": "C"}
        command = ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", str(tree), str(package)]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    list_ = package.with_suffix(".cdx.json")
    list_.write_text(parts, encoding="utf-8")
    return package


def epoch() -> int:
    """Return when the last commit was made, unless the environment says another time."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    ran = subprocess.run(
        ["git", "-C", ROOT, "log", "-1", "--format=%ct"], check=True, capture_output=True, text=True
    )
    return int(ran.stdout)


def _environment(tree: Path, wheel: Path, architecture: carried.Architecture) -> str:
    """Programs and packages, and the list of these."""
    lib = tree / _LIB
    digests = carried.lay(lib / "lib", PYTHONS, wheel, architecture)
    _write(lib / "pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")
    (tree / "usr/bin").mkdir()
    for name, module in _PROGRAMS.items():
        _write(lib / "bin" / name, _PROGRAM.format(lib=_LIB, module=module), 0o755)
        (tree / "usr/bin" / name).symlink_to(f"../lib/informativa/bin/{name}")
    return _listed(digests)


def _listed(digests: Mapping[str, str]) -> str:
    """The bill of materials, with the hash of each wheel; `digests` are by its file's name."""
    bill = json.loads(sbom.bill("informativa"))
    for part in bill["components"]:
        name = canonicalize_name(part["name"])
        own = {file: hash_ for file, hash_ in digests.items() if parse_wheel_filename(file)[0] == name}
        part["externalReferences"] = [
            {
                "type": "distribution",
                "url": f"{part['purl']}?file_name={file}",
                "hashes": [{"alg": "SHA-256", "content": hash_}],
            }
            for file, hash_ in sorted(own.items())
        ]
    return json.dumps(bill, indent=2, sort_keys=True) + "\n"


def _documents(tree: Path, version: str, made: int) -> None:
    """Licences, changelogs, an example."""
    doc = tree / "usr/share/doc/informativa"
    page = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \|", page, re.MULTILINE)
    table = "\n".join(f"  {name:24} {licence.replace(' (see above)', '')}" for name, licence in rows)
    _write(doc / "copyright", _COPYRIGHT.format(lib=_LIB, rows=table, year=time.gmtime(made).tm_year))
    entry = f"informativa ({version}) stable; urgency=medium\n\n  * As CHANGELOG.md.gz beside this says.\n\n"
    entry += f" -- {_maintainer()}  {formatdate(made)}\n"
    _compressed(doc / "changelog.gz", entry)
    _compressed(doc / "CHANGELOG.md.gz", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    _write(doc / "examples/policy", (SOURCES / "policy").read_text(encoding="utf-8"))
    overrides = (SOURCES / "lintian-overrides").read_text(encoding="utf-8")
    _write(tree / "usr/share/lintian/overrides/informativa", overrides)


def _maintainer() -> str:
    (maintainer,) = re.findall(r"^Maintainer: (.*)$", (SOURCES / "control").read_text(), re.MULTILINE)
    return str(maintainer)


def _units(tree: Path, etc: Path) -> None:
    """The units of a configuration as `init` lays it, given to Asterisk's user; and those of whoever watches
    somebody else's log, which need none."""
    init.init(etc)
    configuration = config.load(etc / "informativa.yaml", keep=True)
    for unit in systemd_unit.UNITS:
        here = systemd_unit.settings(configuration, unit)
        owner = "root" if unit == systemd_unit.SIGNER else _OWNER
        packaged = replace(
            here,
            program=f"/{_LIB}/bin/informativa",
            file=here.file.replace(str(etc), str(_CONFIG)),
            ledgers=here.ledgers.replace(str(etc), str(_CONFIG)),
            user=owner,
            group=owner,
            home="yes",
        )
        name = systemd_unit.file_name(unit)
        _write(tree / "usr/lib/systemd/system" / name, systemd_unit.fill(unit, packaged))
    for name in _WATCHING:
        _write(tree / "usr/lib/systemd/system" / name, (SOURCES / name).read_text(encoding="utf-8"))


def _control(tree: Path, version: str, architecture: carried.Architecture, sources: Path) -> None:
    kibibytes = sum(file.lstat().st_size // 1024 + 1 for file in tree.rglob("*"))
    control = Template((sources / "control").read_text(encoding="utf-8"))
    fields = {"version": version, "architecture": architecture.debian, "size": kibibytes}
    _write(tree / "DEBIAN/control", control.substitute(fields))
    for name in ("templates", "triggers"):
        _write(tree / "DEBIAN" / name, (sources / name).read_text(encoding="utf-8"))
    for name in ("config", "postinst", "prerm", "postrm"):
        _write(tree / "DEBIAN" / name, (sources / name).read_text(encoding="utf-8"), 0o755)
    files = [file for file in sorted(tree.rglob("*")) if file.is_file() and not file.is_symlink()]
    named = {str(file.relative_to(tree)): file for file in files if file.parent.name != "DEBIAN"}
    sums = [f"{hashlib.md5(file.read_bytes()).hexdigest()}  {name}\n" for name, file in named.items()]
    _write(tree / "DEBIAN/md5sums", "".join(sums))


def _settle(tree: Path, made: int) -> None:
    """Modes and times that do not depend on who builds, and when."""
    for file in [*tree.rglob("*"), tree]:
        if not file.is_symlink():
            file.chmod(0o755 if file.is_dir() or file.stat().st_mode & 0o100 else 0o644)
        os.utime(file, (made, made), follow_symlinks=False)


def _write(file: Path, text: str, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)


def _compressed(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    sys.exit(carried.command("deb", build_all, sys.argv[1:]))
