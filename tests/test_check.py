"""What a check comes to: as values, in words, and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from informativa.operations.check import check
from informativa.views.documents import document
from informativa.views.messages import ENGLISH, language
from informativa.views.text.check import in_order, problem_lines
from lab.ports import free_port

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def file(folder: Path) -> Path:
    """A configuration that is in order, on a port that nobody has."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("127.0.0.1:4588", f"127.0.0.1:{free_port()}"))
    return file


@pytest.mark.shipped_prompts
def test_what_is_in_order(file: Path) -> None:
    """Each line is told with what it plays, and how long that is."""
    result = check(file, NOW)
    assert result.problems == ()
    assert result.lines is not None
    (notice,) = result.lines[0].notices
    assert (notice.notice, notice.version, notice.language) == ("privacy", "2026-11", "it")
    assert notice.seconds > 1
    lines = list(in_order(result, ENGLISH))
    assert f"Acme S.p.A., privacy notice (privacy) 2026-11 in it ({notice.seconds:.1f} s)" in "\n".join(lines)
    assert lines[-1].startswith(
        f"{file} is in order: 2 controllers, {len(result.lines)} lines, service on 127."
    )
    assert "2 titolari" in list(in_order(result, language("it")))[-1]
    facts = json.loads(document(result))
    assert (facts["ok"], facts["file"], facts["controllers"]) == (True, str(file), ["acme", "borealis"])
    assert (facts["metrics"], facts["service"]) == (None, result.service)
    assert facts["lines"][0]["notices"][0]["seconds"] == pytest.approx(notice.seconds, abs=0.001)


def test_what_is_wrong(file: Path) -> None:
    """Each problem has its place; nothing is told of a configuration that is not in order."""
    file.write_text(file.read_text().replace("controller: acme", "controller: acm"))
    result = check(file, NOW)
    assert (result.service, result.controllers, result.lines) == (None, None, None)
    assert list(in_order(result, ENGLISH)) == []
    lines = list(problem_lines(result, ENGLISH))
    assert lines[: len(result.problems)] == [str(problem.text) for problem in result.problems]
    assert all(line.startswith("warning: ") for line in lines[len(result.problems) :])
    facts = json.loads(document(result))
    assert (facts["ok"], facts["service"], facts["lines"]) == (False, None, None)
    assert facts["problems"][0]["line"]


def test_file_that_is_not_there(folder: Path) -> None:
    """That it is not is a problem like any other."""
    result = check(folder / "none.yaml", NOW)
    assert [problem.file for problem in result.problems] == [str(folder / "none.yaml")]
