"""The dialplan and the systemd unit made for a configuration, as the console has them made."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doubles import line, notice, version
from informativa.asterisk import dialplan as asterisk_dialplan
from informativa.config import load
from informativa.model import Notice, Prompt
from informativa.model.errors import InformativaError
from informativa.operations import dialplan, generated, systemd_unit
from informativa.operations.generated import Generated
from informativa.operations.init import init
from informativa.views.messages import ENGLISH, language
from informativa.views.text.configuration import file_message


@pytest.fixture
def config(folder: Path) -> Path:
    """A configuration with two companies."""
    return folder / "informativa.yaml"


def test_dialplan_as_text(config: Path) -> None:
    """Without a place it is only made, with the link by which it starts the script."""
    made = dialplan.generate(config, None)
    assert (made.file, made.next, made.warnings) == (None, "asterisk -rx 'dialplan reload'", ())
    assert f"AGI({config}.agi,${{line}}" in made.text
    link = config.with_name("informativa.yaml.agi")
    assert link.readlink() == Path(sys.executable).with_name("informativa-agi")


def test_dialplan_in_its_place(config: Path, tmp_path: Path) -> None:
    """What is written is the text, and for owner and group alone, since the token is in it."""
    file = tmp_path / "informativa.conf"
    made = dialplan.generate(config, file)
    assert (made.file, file.read_text()) == (file, made.text)
    assert file.stat().st_mode & 0o777 == 0o640


def test_link_that_cannot_be_made(config: Path) -> None:
    """What stands in its place is left, and what to type is a warning."""
    link = config.with_name("informativa.yaml.agi")
    link.write_text("mine")
    (warning,) = dialplan.generate(config, None).warnings
    assert "cannot be made (File exists); type: mv " in str(warning)
    assert "File exists" not in language("it")(warning)
    assert link.read_text() == "mine"


def test_unit_in_its_place(config: Path, tmp_path: Path) -> None:
    """What is written is the text; next the service can be started."""
    file = tmp_path / "informativa.service"
    made = systemd_unit.generate(config, file)
    assert (made.file, file.read_text()) == (file, made.text)
    assert made.next == "systemctl daemon-reload && systemctl enable --now informativa"
    assert f"serve -c {config}\n" in systemd_unit.generate(config).text


def test_company_that_is_not_live_is_a_warning(tmp_path: Path) -> None:
    """Of both: whoever puts them in place is told whose callers are not as configured."""
    config = init(tmp_path / "new").file  # whose second company names no papers yet
    sentence = (
        "Borealis GmbH (borealis) is not live, so its callers hear the notice on every call, unrecorded: "
    )
    for made in (dialplan.generate(config, None), systemd_unit.generate(config)):
        assert str(made.warnings[0]).startswith(sentence)


@pytest.mark.parametrize(
    ("place", "message", "remedy"),
    [
        ("folder", " is a folder.", "Name a file in it."),
        (
            "none/file",
            " cannot be written (No such file or directory).",
            "Type first: mkdir -p {folder}",
        ),
        (
            "file/file",
            " cannot be written (Not a directory).",
            "Type first: mv {folder} {folder}.aside; mkdir -p {folder}",
        ),
    ],
)
def test_place_that_cannot_be_written(tmp_path: Path, place: str, message: str, remedy: str) -> None:
    """What is wrong, and what to do about just that."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    file = tmp_path / place
    with pytest.raises(InformativaError) as caught:
        generated.write(file, "text")
    assert str(caught.value.message) == f"{file}{message}"
    assert str(caught.value.remedy) == remedy.format(folder=file.parent)


def test_where_it_was_written_is_said(tmp_path: Path) -> None:
    """In both languages, with what to type next."""
    made = Generated("", tmp_path / "unit", "reload it")
    assert file_message(made, ENGLISH) == f"Wrote {tmp_path}/unit. Next: reload it"
    assert file_message(made, language("it")) == f"Scritto {tmp_path}/unit. Poi: reload it"


def test_fallback_plays_the_words_that_name_no_key(config: Path) -> None:
    """Where a version has them in the line's language; otherwise the short notice as it is."""
    prompt = Prompt("nokey", ())
    notices = [
        notice(replace(version(), short_nokey={"it": prompt})),
        notice(replace(version(), short={"it": Prompt("short", ())}, short_nokey={"de": prompt})),
    ]
    configuration = replace(load(config), lines=(line(*notices),))
    text = asterisk_dialplan.render("[informativa-lines]\n", configuration)
    assert "exten => +390212345678,1,Return(nokey&short)\n" in text
    assert text.endswith(f"exten => default,1,Return({config.parent}/prompts/it/short-nokey)\n")


def test_fallback_of_a_line_is_by_the_versions_days(config: Path) -> None:
    """Whatever day the file is written on: the newest that is in force at the time of the call, in its own
    language; a plan of several notices changes with each, and a day on which nothing changes is left out."""
    starts = [
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2027, 2, 1, tzinfo=UTC),
    ]
    versions = [
        replace(version(path, starts=start), short={"it": Prompt(path, ())})
        for path, start in zip(["one", "two", "two", "three"], [None, *starts], strict=True)
    ]
    recording = Notice("recording", (replace(version(), short={"it": Prompt("other", ())}),))
    configuration = replace(load(config), lines=(line(notice(*versions), recording),))
    text = asterisk_dialplan.render("[informativa-lines]\n", configuration)
    (rows,) = re.findall(r"^exten => \+390212345678,(.*?)^exten", text, re.MULTILINE | re.DOTALL)
    assert rows.splitlines() == [
        "1,GotoIf($[${EPOCH} < 1801440000]?before1801440000)",
        " same => n,Return(three&other)",
        " same => n(before1801440000),GotoIf($[${EPOCH} < 1796083200]?before1796083200)",
        " same => n,Return(two&other)",
        " same => n(before1796083200),Return(one&other)",
    ]
