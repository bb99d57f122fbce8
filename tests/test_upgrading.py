"""Formats of the configuration file: an older one is brought up to date, a newer is refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from commands import typed
from informativa.config import inspect, load
from informativa.config.deprecations import DEPRECATIONS
from informativa.config.document import NEWEST_FORMAT
from informativa.config.upgrading import MIGRATIONS, upgraded
from informativa.model.errors import ConfigError


def first(folder: Path, service: str = "", *, before: str = "") -> Path:
    """A configuration of the first format, with this for its service."""
    file = folder / "informativa.yaml"
    head, _, rest = file.read_text().partition("\nformat: ")
    _, _, rest = rest.partition("\n# Asterisk's manager interface")
    file.write_text(f"{before}{head}\n{service}\n# Asterisk's manager interface{rest}", newline="")
    return file


SERVICES = [
    ("", "format: 2\n\nservice:\n  listen: 127.0.0.1:4588\n\n"),
    (
        "service:  # ours\n  # how many\n  sessions: 3\n",
        "format: 2\n\nservice:  # ours\n  # how many\n  listen: 127.0.0.1:4588\n  sessions: 3\n",
    ),
    ("service: {}\n", "format: 2\n\nservice: {listen: 127.0.0.1:4588}\n"),
    (
        "service: {sessions: 3}  # few\n",
        "format: 2\n\nservice: {listen: 127.0.0.1:4588, sessions: 3}  # few\n",
    ),
    ("service:\n  listen: 127.0.0.1:4573\n", "format: 2\n\nservice:\n  listen: 127.0.0.1:4573\n"),
    (
        "format: 1 # old\nservice:\n  listen: 127.0.0.1:4573\n",
        "format: 2 # old\nservice:\n  listen: 127.0.0.1:4573\n",
    ),
]


@pytest.mark.parametrize(("service", "expected"), SERVICES)
def test_comments_and_layout_stay(folder: Path, service: str, expected: str) -> None:
    """Of the first format, whatever its service looks like: these lines come or change, and no other."""
    file = first(folder, service)
    file_changes = upgraded(file)
    assert (file_changes.before, file_changes.after) == (1, 2)
    assert expected in file_changes.new_format
    lines = iter(file_changes.new_format.splitlines())
    changed = {"service: {}", "service: {sessions: 3}  # few", "format: 1 # old"}
    assert all(line in lines for line in file_changes.old_format.splitlines() if line not in changed)
    before = load(file)
    file.write_text(file_changes.new_format)
    after = load(file)
    assert (before.listen, before.lines, before.controllers) == (after.listen, after.lines, after.controllers)
    assert after.format == 2


@pytest.mark.parametrize("before", ["\ufeff", "---\n", "# only a comment\n---\n"])
def test_what_may_stand_before_the_first_setting(folder: Path, before: str) -> None:
    """A byte order mark and the beginning of a document stay where they are."""
    file_changes = upgraded(first(folder, "service:\n  sessions: 3\n", before=before))
    assert file_changes.new_format.startswith(before)
    assert "  listen: 127.0.0.1:4588\n  sessions: 3\n" in file_changes.new_format


def test_line_breaks_of_windows(folder: Path) -> None:
    """Lines that come end as the others do."""
    file = first(folder, "service:\n  sessions: 3\n")
    file.write_text(file.read_text(), newline="\r\n")
    new = upgraded(file).new_format
    assert new.count("\n") == new.count("\r\n") > 50


def test_whole_file_in_braces(tmp_path: Path) -> None:
    """A file that is one mapping in braces stays one."""
    file = tmp_path / "informativa.yaml"
    file.write_text(
        "{operator: A, controllers: {acme: {name: A, key: k, ledger: l, notices: {privacy: {versions:"
        " [{version: '1', purposes: [service], short: {it: p}}]}}}}, lines: {'+390212345678':"
        " {controller: acme, language: it, region: IT, plan: [{notice: privacy}]}}}\n"
    )
    assert upgraded(file).new_format.startswith(
        "{format: 2, service: {listen: 127.0.0.1:4588}, operator: A, "
    )


def test_command_writes_once_and_keeps_the_mode(folder: Path) -> None:
    """`config upgrade --dry-run` writes nothing, without it the file is written with its mode, and a second
    time there is nothing to do."""
    file = first(folder, "service:\n  sessions: 3\n")
    file.chmod(0o640)
    old = file.read_bytes()
    code, out, _ = typed("config", "upgrade", "-c", file, "--dry-run", "--json")
    facts = json.loads(out)
    assert (code, facts["before"], facts["after"], facts["written"]) == (0, 1, 2, False)
    assert "+  listen: 127.0.0.1:4588" in facts["difference"]
    assert file.read_bytes() == old
    code, out, _ = typed("config", "upgrade", "-c", file)
    assert (code, "is of format 2 now (it was 1)" in out) == (0, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    new = file.read_bytes()
    code, out, _ = typed("config", "upgrade", "-c", file)
    assert (code, out) == (0, f"{file} is of format 2, the newest.\n")
    assert file.read_bytes() == new


def test_link_is_not_replaced_by_a_file(folder: Path) -> None:
    """Where the configuration is a link, where it leads is to be named."""
    file = first(folder)
    real = file.rename(folder / "real.yaml")
    file.symlink_to(real)
    code, _, err = typed("config", "upgrade", "-c", file)
    assert (code, file.is_symlink(), f"-c {real}" in err) == (1, True, True)


def test_file_with_mistakes_is_not_touched(folder: Path) -> None:
    """What has no shape is told, as `check` tells it."""
    file = first(folder, "service:\n  sesions: 3\n")
    with pytest.raises(ConfigError, match=r"service.sesions: is not a setting here"):
        upgraded(file)


@pytest.mark.parametrize("number", ["3", "17", "'3'"])
def test_newer_format_is_refused_in_one_sentence(folder: Path, number: str) -> None:
    """A file of a newer informativa is refused as such, and nothing that is unknown in it is told."""
    file = first(folder, f"format: {number}\nfutures: 1\n")
    with pytest.raises(ConfigError) as refused:
        inspect(file)
    (problem,) = refused.value.problems
    assert "of a newer informativa than this one, which knows formats up to 2; upgrade informativa" in str(
        problem
    )


@pytest.mark.parametrize("number", ["two", "0", "-1", "1.0", "[1]", "2026-11"])
def test_what_is_no_format(folder: Path, number: str) -> None:
    """Something else than a whole number is a mistake like any other."""
    _, problems = inspect(first(folder, f"format: {number}\nservice:\n  listen: 127.0.0.1:4588\n"))
    assert [problem.key for problem in problems] == ["format"]
    assert "is no format of this file, such as `1`" in str(problems[0])


def test_what_is_deprecated_is_told_with_its_remedy(folder: Path) -> None:
    """A service without `listen` or `token` is told by every check, with the version since when."""
    warnings = [str(one) for one in load(first(folder, "service:\n  sessions: 3\n")).warnings]
    deprecations = [one for one in warnings if "(deprecated since 0.2.0)" in one]
    assert len(deprecations) == 2
    assert (
        "informativa takes 127.0.0.1:4588 (deprecated since 0.2.0); write `listen: 127.0.0.1:4588`"
        in deprecations[0]
    )
    assert (
        "taken for Asterisk (deprecated since 0.2.0); write `token: keys/agi.token` under it"
        in deprecations[1]
    )


def test_deprecation_from_what_is_kept_for_scripts(folder: Path) -> None:
    """What was kept of the text tells the same as the text itself."""
    file = first(folder, "service:\n  sessions: 3\n")
    warnings = load(file, keep=True).warnings
    assert file.with_name(".informativa.yaml.parsed").exists()
    assert load(file).warnings == warnings
    assert load(file).format == 1


def test_second_format_wants_its_address(folder: Path) -> None:
    """What is deprecated in one format is a mistake in the next."""
    _, problems = inspect(first(folder, "format: 2\nservice:\n  sessions: 3\n"))
    (problem,) = problems
    assert "names no `listen`" in str(problem)
    assert "write `listen: 127.0.0.1:4588` under it" in str(problem)


def test_each_format_has_its_way_there() -> None:
    """From the first format to the newest there is a migration for each step, and nothing is refused in a
    format that does not exist."""
    assert sorted(MIGRATIONS) == list(range(2, NEWEST_FORMAT + 1)) == [2]
    assert {deprecation.refused_in for deprecation in DEPRECATIONS} <= {None, 2}
