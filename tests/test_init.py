"""Laying a first configuration, as the console and the command line have it done."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from informativa.cli.commands import init as command
from informativa.config import load
from informativa.model import NumberForm
from informativa.model.errors import InformativaError
from informativa.operations.doctor import ports
from informativa.operations.doctor.ports import Listener
from informativa.operations.init import NewConfiguration, init
from informativa.system import shipped
from informativa.views.messages import ENGLISH, language
from informativa.views.text.configuration import files_message


def free(_address: str) -> Listener | None:
    """A port that nobody has."""
    return None


def taken(_address: str) -> Listener | None:
    """A port that somebody has."""
    return Listener(0, "root", ours=False)


def test_all_that_it_names_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder can be used as it is, its secrets are the owner's alone, and nothing else was made."""
    monkeypatch.setattr(ports, "occupied", free)
    made = init(tmp_path / "new/etc")
    assert made == NewConfiguration(tmp_path / "new/etc/informativa.yaml", ())
    assert list(load(made.file).controllers) == ["acme", "borealis"]
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["etc"]
    modes = {
        str(path.relative_to(tmp_path / "new")): path.stat().st_mode & 0o777
        for path in (made.file.parent, *made.file.parent.rglob("keys*"), *made.file.parent.glob("keys/*"))
    }
    assert modes == {
        "etc": 0o755,
        "etc/keys": 0o700,
        "etc/keys/acme.key": 0o600,
        "etc/keys/borealis.key": 0o600,
        "etc/keys/agi.token": 0o600,
    }


@pytest.mark.parametrize("form", list(NumberForm))
def test_form_of_the_trunk_is_written(tmp_path: Path, form: NumberForm) -> None:
    """For the lines of both examples."""
    assert {line.callers for line in load(init(tmp_path / "etc", form).file).lines} == {form}


def test_whoever_sits_at_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the answer is one of the three; a script is not, and an option is an answer. Whoever names no
    company gets the example."""
    answers = ["", "what?", "Int"]
    monkeypatch.setattr(command.typer, "prompt", lambda *_given, **_more: answers.pop(0))
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    command._init(tmp_path / "asked")
    assert answers == []
    command._init(tmp_path / "told", NumberForm.NATIONAL)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    command._init(tmp_path / "script")
    forms = [
        {line.callers for line in load(tmp_path / name / "informativa.yaml").lines}
        for name in ("asked", "told", "script")
    ]
    assert forms == [{NumberForm.INTERNATIONAL}, {NumberForm.NATIONAL}, {NumberForm.EITHER}]


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    """Who has made the folder already need not delete it; it is filled and not replaced, as a container's
    volume cannot be, and only what a new one would have is in it."""
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o700)
    made = folder.stat().st_ino
    assert init(folder).file.is_file()
    assert (folder.stat().st_ino, folder.stat().st_mode & 0o777) == (made, 0o755)
    init(tmp_path / "new")
    names = [sorted(file.name for file in place.iterdir()) for place in (folder, tmp_path / "new", tmp_path)]
    assert names == [["informativa.yaml", "keys", "ledger", "prompts"]] * 2 + [["etc", "new"]]


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    """A folder with anything in it is an error with what to do, and stays as it was."""
    (tmp_path / "mine").touch()
    with pytest.raises(InformativaError, match="is not empty") as caught:
        init(tmp_path)
    assert str(caught.value.remedy) == "Name a new folder: informativa init DIR"
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A file where a folder should be is told with what the system says of it, in the reader's language."""
    (tmp_path / "file").touch()
    with pytest.raises(InformativaError) as caught:
        init(tmp_path / "file/etc")
    assert str(caught.value.message).endswith("/file/etc cannot be written (File exists).")
    assert language("it")(caught.value.text).startswith(f"{tmp_path}/file/etc non si può scrivere (")
    assert str(caught.value.remedy) == "Name a folder that you may write, or run this as root."


@pytest.mark.parametrize("existing", [False, True])
def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool) -> None:
    """The remedy of a full disk is another one, and nothing of the attempt is left."""
    full = "[('a', 'b', '[Errno 28] No space left on device')]"

    def copy(*_: object, **__: object) -> None:
        raise shutil.Error(full)

    if existing:
        (tmp_path / "etc").mkdir()
    monkeypatch.setattr("shutil.copytree", copy)
    with pytest.raises(InformativaError) as caught:
        init(tmp_path / "etc")
    assert str(caught.value.remedy) == "Make room on that disk."
    assert [path.name for path in tmp_path.rglob("*")] == (["etc"] if existing else [])


def test_port_that_somebody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the port of the new configuration is taken is a warning."""
    monkeypatch.setattr(ports, "occupied", taken)
    (warning,) = init(tmp_path / "etc").warnings
    assert str(warning) == (
        "127.0.0.1:4588 is taken already; in the new configuration set service.listen to another port"
    )


def test_what_to_do_next_is_said(tmp_path: Path) -> None:
    """In both languages."""
    made = NewConfiguration(tmp_path / "informativa.yaml", ())
    assert files_message(made, ENGLISH).endswith(
        f"edit {made.file}, then type: informativa check -c {made.file}"
    )
    assert f"informativa check -c {made.file}" in files_message(made, language("it"))
    assert files_message(made, language("it")) != files_message(made, ENGLISH)


def test_asterisk_may_read_the_prompts_that_pip_laid_for_root_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who installed the program with a narrow umask has sounds that all may read in a new configuration."""
    packed = tmp_path / "packed"
    (packed / "it").mkdir(parents=True)
    (packed / "it/short.wav").touch(0o600)
    for place in (packed, packed / "it"):
        place.chmod(0o700)
    monkeypatch.setattr(shipped, "folder", lambda _name: packed)
    made = init(tmp_path / "etc").file.parent / "prompts"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (made, *made.rglob("*"))}
    assert modes == {"prompts": 0o755, "it": 0o755, "short.wav": 0o644}
