"""Making and rotating secrets, as the console and the command line have it done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from informativa.config import load
from informativa.model import ManagerAccount
from informativa.model.errors import ConfigError, InformativaError
from informativa.operations import keys
from informativa.operations.controllers import select_for_callers
from informativa.operations.keys import NewSecret, Rotation, SecretKind
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text import keys as view


@pytest.fixture
def config(folder: Path) -> Path:
    """A configuration with two companies."""
    return folder / "informativa.yaml"


def rotate(config: Path, name: str, *, really: bool) -> Rotation:
    """Rotate the key of one controller."""
    return keys.rotate(select_for_callers(config, (name,)), datetime.now(UTC), really=really)


def test_key_is_made_and_told(config: Path) -> None:
    """A company's key: whose it is, where, who can read it, and that a copy is to be kept."""
    file = config.parent / "keys/acme.key"
    file.unlink()
    made = keys.make(config, "acme")
    assert (made.kind, made.controller, made.file) == (SecretKind.KEY, "acme", file)
    assert (len(file.read_text()), file.stat().st_mode & 0o777) == (65, 0o600)
    lines = list(view.secret_made(made, config, ENGLISH))
    assert lines[0].endswith("alone. Keep a copy of it in a safe place.")
    assert lines[1:] == [f"Next: informativa check -c {config}"]
    facts = json.loads(document(made))
    assert facts == {
        "schema": 1,
        "kind": "key",
        "controller": "acme",
        "file": str(file),
        "owner": made.owner,
    }


def test_key_that_is_there_stays(config: Path) -> None:
    """Whoever wants another one is told how to get it."""
    with pytest.raises(InformativaError) as caught:
        keys.make(config, "acme")
    assert str(caught.value.remedy) == "For another one: informativa keys rotate acme"


def test_key_of_a_ledger_is_made_only_on_purpose(config: Path) -> None:
    """Without the key of its pseudonyms a ledger says nothing about callers."""
    file = config.parent / "keys/acme.key"
    file.unlink()
    (config.parent / "ledger/acme.sqlite3").touch()
    with pytest.raises(InformativaError, match="whom only the key that made their pseudonyms recognises"):
        keys.make(config, "acme")
    assert not file.exists()
    assert keys.make(config, "acme", again=True).file == file


def test_secret_of_nobody(config: Path) -> None:
    """A name that is neither a company nor one of the two words is an error."""
    with pytest.raises(InformativaError, match="no controller acm"):
        keys.make(config, "acm")


def test_managers_secret_is_made_with_its_account(config: Path) -> None:
    """The secret of the manager interface, and what to copy where, once."""
    made = keys.make(config, "manager")
    assert made == NewSecret(SecretKind.MANAGER, None, config.parent / "keys/manager.secret", made.owner)
    text = "\n".join(view.secret_made(made, config, ENGLISH))
    assert f"secret = {made.file.read_text().strip()}" in text
    assert made.file.read_text().strip() not in document(made)
    account = ManagerAccount("127.0.0.1", 5038, "informativa", "hush")
    assert document(replace(made, account=account)) == document(made)
    with pytest.raises(InformativaError, match="For another one delete it first"):
        keys.make(config, "manager")


def test_managers_secret_is_where_the_configuration_says(config: Path) -> None:
    """One that is named is made there; one that cannot be understood is made beside the others."""
    settings = "manager:\n  address: 127.0.0.1:5038\n  user: x\n  secret: keys/other\n"
    config.write_text(config.read_text() + settings)
    assert keys.secret_file(config) == config.parent / "keys/other"
    config.write_text("controllers: [")
    assert keys.secret_file(config) == config.parent / "keys/manager.secret"


def test_key_is_rotated_only_on_purpose(config: Path) -> None:
    """First what would be done; then the new key, and the old one beside it."""
    file = config.parent / "keys/acme.key"
    before = file.read_text()
    would = rotate(config, "acme", really=False)
    acme = load(config).controllers["acme"]
    assert (would.old_files, would.next, file.read_text()) == ((), (), before)
    assert list(view.rotated(would, acme, ENGLISH))[1] == "Nothing was changed yet. To do it, add --yes."
    facts = json.loads(document(would))
    assert (facts["done"], facts["old_files"], facts["next"]) == (False, [], [])
    done = rotate(config, "acme", really=True)
    (old,) = done.old_files
    assert (old.read_text(), file.read_text() == before) == (before, False)
    assert str(old) in next(view.rotated(done, acme, ENGLISH))
    facts = json.loads(document(done))
    assert (facts["kind"], facts["controller"], facts["done"]) == ("key", "acme", True)
    assert facts["next"] == ["systemctl reload informativa"]


def test_rotations_within_one_second_keep_each_old_key(config: Path) -> None:
    """Three rotations at once leave three old keys, and the names of their files are in the order of time."""
    file = config.parent / "keys/acme.key"
    keys_before, old_files = [], []
    for _ in range(3):
        keys_before.append(file.read_text())
        old_files += rotate(config, "acme", really=True).old_files
    assert sorted(old_files) == old_files
    assert [old.read_text() for old in old_files] == keys_before
    assert len({*keys_before, file.read_text()}) == 4


def test_token_is_rotated(config: Path) -> None:
    """The old token is kept until its last step is typed."""
    done = keys.rotate_token(config)
    (old,) = done.old_files
    assert done.next[-1] == f"rm {old}"
    facts = json.loads(document(done))
    assert (facts["kind"], facts["controller"], facts["done"]) == ("token", None, True)
    assert facts["next"] == list(done.next)
    assert "il vecchio token" in next(view.rotated_token(done, language("it"))).lower()


def test_first_token(config: Path) -> None:
    """Where there is none, nothing is to be deleted at the end."""
    (config.parent / "keys/agi.token").unlink()
    done = keys.rotate_token(config)
    assert (done.old_files, len(done.next)) == ((), 3)
    assert next(view.rotated_token(done, ENGLISH)) == f"Wrote {done.file}."
    assert done.done


def test_folder_that_cannot_be_written(config: Path) -> None:
    """What the system says is the reason, and it is told which file it was."""
    (config.parent / "keys/acme.key").unlink()
    (config.parent / "keys").rename(config.parent / "elsewhere")
    (config.parent / "keys").write_text("no folder")
    with pytest.raises(InformativaError, match="cannot be written"):
        keys.make(config, "acme")


def test_rotation_of_a_broken_configuration(config: Path) -> None:
    """Nothing is rotated where the configuration is not in order."""
    config.write_text(config.read_text().replace("retention:", "retntion:", 1))
    with pytest.raises(ConfigError):
        rotate(config, "acme", really=True)


def test_rotation_says_next_only_when_done(config: Path) -> None:
    """There is nothing to reload before a key was changed."""
    assert not rotate(config, "acme", really=False).next
    assert rotate(config, "acme", really=True).next
