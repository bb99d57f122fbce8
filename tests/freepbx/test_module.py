"""The FreePBX module by itself: its PHP among stand-ins of FreePBX's classes, its files, and its archive."""

from __future__ import annotations

import gettext
import hashlib
import io
import json
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from babel.messages.pofile import read_po

from freepbx import module
from informativa import __version__
from lab import php
from lab.debian import Unavailable
from lab.office import BIN, Office

HERE = Path(__file__).resolve().parent
UNITS = [
    (file, name)
    for file in ("routes.php", "program.php")
    for name in re.findall(r"^function (test_\w+)", (HERE / file).read_text(), re.MULTILINE)
]
SOURCES = sorted([*module.MODULE.rglob("*.php"), *HERE.glob("*.php")])
XML = ElementTree.fromstring((module.MODULE / "module.xml").read_text(encoding="utf-8"))
# By the interface of FreePBX 16 and 17: what it calls by name.
CALLED = {
    "functions.inc.php": [
        "informativa_change_destination",
        "informativa_check_destinations",
        "informativa_destinations",
        "informativa_get_config",
        "informativa_getdest",
        "informativa_getdestinfo",
        "informativa_hook_core",
    ],
    "Informativa.class.php": [
        "ajaxHandler",
        "ajaxRequest",
        "backup",
        "bulkhandlerExport",
        "bulkhandlerGetHeaders",
        "doConfigPageInit",
        "doDialplanHook",
        "getActionBar",
        "getRightNav",
        "install",
        "myDialplanHooks",
        "restore",
        "routeAdded",
        "routeDeleted",
        "uninstall",
    ],
    "Backup.php": ["runBackup"],
    "Restore.php": ["runRestore"],
    "Job.php": ["run"],
}


@pytest.fixture(scope="session", params=php.SUITES, ids=lambda suite: f"php{php.SUITES[suite]}")
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The PHP of FreePBX 16, and that of 17."""
    try:
        return php.obtain(request.param, lambda _what, _fraction: None)
    except Unavailable as error:
        pytest.skip(f"PHP of {request.param}: {error}")


def run(command: tuple[str, ...], *arguments: str | Path) -> tuple[int, str]:
    """The exit code, and all that was said."""
    ran = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_php_reads_each_file(command: tuple[str, ...], file: Path) -> None:
    """Both versions of PHP take each file without an error, a warning or a deprecation."""
    assert run(command, "-l", file) == (0, f"No syntax errors detected in {file}\n")


@pytest.mark.parametrize(("file", "name"), UNITS)
def test_unit(command: tuple[str, ...], file: str, name: str) -> None:
    """The module's own test of that name holds."""
    assert run(command, HERE / file, name) == (0, "")


def test_a_failing_test_of_the_module_is_seen(command: tuple[str, ...], tmp_path: Path) -> None:
    """Whatever is not as wanted, or is warned of, makes its run fail."""
    text = (HERE / "routes.php").read_text().replace("__DIR__ . '/", f"'{HERE}/")
    for broken in ("same(700,", "same($nowhere,"):
        copy = tmp_path / "routes.php"
        copy.write_text(text.replace("same(700,", broken.replace("700", "701")))
        assert run(command, copy, "test_after_call_recording")[0] == 255


@pytest.mark.night
def test_with_the_real_program(command: tuple[str, ...], tmp_path: Path) -> None:
    """Page and dashboard show what informativa itself says: a service that is down, that there is no Asterisk
    here, and companies with their lines; once it runs, that notice is gone."""
    office = Office(tmp_path / "etc")

    def shown() -> Any:
        code, output = run(command, HERE / "ask.php", BIN / "informativa", office.config)
        assert code == 0, output
        return json.loads(output)

    down = shown()
    kind, title, text, _ = down["notices"]["informativa service"]
    assert (kind, title) == ("error", "Privacy notice: service")
    assert "systemctl restart informativa" in text
    assert f"127.0.0.1:{office.port}" in text
    if not Path("/etc/asterisk").exists():
        assert "/etc/asterisk" in down["notices"]["informativa dialplan"][2]
    assert down["error"] == ""
    assert "<td>Acme S.p.A.</td><td>+390212345678</td>" in down["page"]
    office.start()
    try:
        up = shown()
    finally:
        office.stop()
    assert "informativa service" not in up["notices"]
    assert "The service answers." in up["page"]


def test_what_freepbx_calls_is_there() -> None:
    """Each function and method that FreePBX finds by its name has that name."""
    for file, names in CALLED.items():
        text = (module.MODULE / file).read_text(encoding="utf-8")
        assert [name for name in names if f"function {name}(" not in text] == [], file


def test_module_xml() -> None:
    """It is for FreePBX 16 and 17, under the GPL, and its tables and its page have the names in the PHP."""
    assert [XML.findtext("rawname"), XML.findtext("license")] == ["informativa", "GPLv3+"]
    assert [version.text for version in XML.findall("supported/version")] == ["16.0", "17.0"]
    tables = {table.get("name"): [f.get("name") for f in table] for table in XML.findall("database/table")}
    assert tables == {
        "informativa_routes": ["extension", "cidnum", "line", "recording"],
        "informativa_entries": ["id", "description", "line", "dest"],
    }
    assert (module.MODULE / f"page.{XML.findtext('popovers/informativa/display')}.php").exists()
    hooked = {str(method.text) for method in XML.findall("hooks/*/method")}
    assert hooked <= set(CALLED["Informativa.class.php"])


def test_italian_is_whole() -> None:
    """Each phrase of the module is in the catalogue, translated, and the compiled one is of that text."""
    text = module.MODULE / "i18n/it_IT/LC_MESSAGES/informativa.po"
    with text.open("rb") as file:
        catalogue = {str(message.id): message.string for message in read_po(file) if message.id}
    assert set(catalogue) == module.phrases()
    assert [phrase for phrase, translation in catalogue.items() if not translation] == []
    places = [
        [re.findall("%[sd]", text) for text in (phrase, str(catalogue[phrase]))] for phrase in catalogue
    ]
    assert [pair for pair in places if pair[0] != pair[1]] == []
    with text.with_suffix(".mo").open("rb") as file:
        spoken = gettext.GNUTranslations(file)
    assert {phrase: spoken.gettext(phrase) for phrase in catalogue} == catalogue


def test_archive_is_what_fwconsole_installs() -> None:
    """One folder with the module's name, this version in module.xml, and all files; the same bytes again."""
    data = module.archive()
    assert hashlib.sha256(data).digest() == hashlib.sha256(module.archive()).digest()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = tar.getnames()
        xml = tar.extractfile("informativa/module.xml")
        assert xml
        assert ElementTree.fromstring(xml.read()).findtext("version") == __version__
        assert {(entry.mode, entry.uid, entry.mtime) for entry in tar} == {(0o644, 0, 1735689600)}
    assert names == [f"informativa/{file.relative_to(module.MODULE)}" for file in module.files()]
    assert "informativa/LICENSE" in names


def test_no_php_in_what_is_apache_licensed() -> None:
    """The module is under the GPL, so neither wheel nor sdist, which are Apache-2.0, bring it."""
    project = tomllib.loads((module.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    targets = project["tool"]["hatch"]["build"]["targets"]
    assert "/dialplan/freepbx" in targets["sdist"]["exclude"]
    assert not [name for name in targets["wheel"]["force-include"] if name.startswith("dialplan/freepbx/")]
    head = (module.MODULE / "LICENSE").read_text(encoding="utf-8").partition("GNU GENERAL PUBLIC LICENSE")[0]
    assert "GPL-3.0-or-later" in head
    sources = [file for file in SOURCES if module.MODULE in file.parents]
    assert [file for file in sources if "GPL-3.0-or-later" not in file.read_text(encoding="utf-8")] == []


def without_comments(file: Path) -> list[str]:
    """The lines of a source, as far as they are run."""
    text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"(?<!:)//.*", "", text).splitlines()


def test_no_shell() -> None:
    """The program is started in one place, by a list of arguments, and nothing hands text to a shell."""
    starts = r"\b(exec|shell_exec|system|passthru|popen|proc_open|pcntl_exec|eval)\s*\(|`"
    calls = [
        (file.name, line.strip())
        for file in module.files()
        if file.suffix == ".php"
        for line in without_comments(file)
        if re.search(starts, line) and "Database->exec(" not in line
    ]
    assert [name for name, _ in calls] == ["Program.php"], calls
    assert "proc_open($command, $streams" in calls[0][1]
