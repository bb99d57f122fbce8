"""All dialplan that is shipped or shown, read by Asterisk itself, and what it calls looked up there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import conf
from lab.builds import Build
from lab.office import Office
from lab.pbx import Pbx

from . import lint
from .pages import AGENTS, DIALPLAN, Snippet, section, snippets

AROUND = """\
[around]  ; what a PBX has that the page does not show
exten => _X!,1,Hangup()
[ext-queues]
exten => 600,1,Hangup()
[ext-callrecording]
exten => 1,1,Hangup()
[macro-hangupcall]
exten => s,1,Hangup()
"""
# Every way to be wrong that the lint must see, and a word of what it says.
BROKEN = {
    "exten => s,1,Plyaback(beep)": "no application Plyaback",
    "exten => s,1,NoOp(${CALERID(num)})": "no function CALERID",
    "exten => s,1,Set(CALERID(num)=1)": "no function CALERID",
    "exten => s,1,ExecIf($[1 = 1]?Plyaback(${IF(1?a:b)}):NoOp())": "no application Plyaback",
    "exten => s,1,GotoIf($[1 = 1]?on)": "nothing at s@broken, on",
    "exten => s,1,GotoIf($[1 = 1]?1:on)": "nothing at s@broken, on",
    "exten => s,1,Goto(other,s,1)": "nothing at s@other, 1",
    "exten => s,1,Goto(2)": "nothing at s@broken, 2",
    "exten => s,1,Gosub(informativa,tell,1(${EXTEN}))": "nothing at tell@informativa, 1",
    "exten => s,1,Gosub(nowhere,${EXTEN},1)": "nothing at nowhere, 1",
    "exten => s,1,GosubIf($[${DIALPLAN_EXISTS(informative,s,1)}]?informativa-,s,1(1))": "informativa-, 1",
}


@pytest.fixture(scope="module")
def pbx(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """An Asterisk with queues and voice agents, whose dialplan and other files each test brings."""
    modules = conf.modules(build, keep=[f"{name}.so" for name in ("app_queue", *AGENTS)])
    folder = tmp_path_factory.mktemp("pbx")
    with Pbx(build, folder, "", extra_files={"modules.conf": modules, "queues.conf": ""}) as running:
        yield running


def complaints(pbx: Pbx, extensions: str, generated: str) -> list[str]:
    """Return what Asterisk says when it reads these two files, and what is missing in them."""
    (pbx.etc / "informativa.conf").write_text(generated)
    before = pbx.warnings()
    pbx.reload_dialplan(extensions)
    steps = [step for text in (extensions, generated) for step in lint.steps(text)]
    return pbx.warnings()[len(before) :] + lint.missing(pbx, steps)


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["extensions.conf", "freepbx.conf", "choices.conf"])
def test_shipped_dialplan(pbx: Pbx, tmp_path: Path, name: str) -> None:
    """The files of dialplan/, with informativa.conf as shipped and as made out, pass."""
    shipped = (DIALPLAN / name).read_text()
    if name == "choices.conf":
        shipped = (DIALPLAN / "freepbx.conf").read_text() + shipped
    if "#tryinclude" not in shipped:
        shipped += "\n#tryinclude informativa.conf\n"
    for generated in ((DIALPLAN / "informativa.conf").read_text(), Office(tmp_path / "etc").dialplan()):
        assert complaints(pbx, f"{AROUND}{shipped}", generated) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "snippet", [snippet for snippet in snippets() if snippet.file.endswith(".conf")], ids=str
)
def test_snippets(pbx: Pbx, tmp_path: Path, snippet: Snippet) -> None:
    """Every snippet of the pages, in the file that it names, with the others of its section."""
    text = section(snippet.section, snippet.file)
    generated = Office(tmp_path / "etc").dialplan()
    before = len(pbx.warnings())
    if "extensions" in snippet.file:
        more = "" if "#tryinclude" in text else "\n#tryinclude informativa.conf\n"
        context = (DIALPLAN / "freepbx.conf").read_text() if "custom" in snippet.file else ""
        assert complaints(pbx, f"{AROUND}{text}\n{context}{more}", generated) == []
        return
    assert complaints(pbx, f"{AROUND}#tryinclude informativa.conf\n", generated) == []
    module, shown = {
        "features.conf": ("features", "features show"),
        "queues.conf": ("app_queue.so", "queue show"),
        "pjsip.conf": ("res_pjsip.so", "pjsip show endpoints"),
    }[snippet.file]
    old = (pbx.etc / snippet.file).read_text()
    (pbx.etc / snippet.file).write_text(f"{old}\n{text}" if snippet.file == "pjsip.conf" else text)
    pbx.cli(f"module reload {module}")
    names = re.findall(r"^\[([\w-]+)\]|^(\w+) =>", text, re.MULTILINE)
    answer = pbx.cli(shown)
    (pbx.etc / snippet.file).write_text(old)
    assert [name for pair in names for name in pair if name and name not in answer + "applicationmap"] == []
    assert pbx.warnings()[before:] == []
    assert lint.missing(pbx, list(lint.features(text))) == []


def test_shipped_feature_code(pbx: Pbx) -> None:
    """dialplan/features.conf defines the code, and what it runs is there."""
    text = (DIALPLAN / "features.conf").read_text()
    (pbx.etc / "features.conf").write_text(text)
    before = pbx.warnings()
    pbx.cli("module reload features")
    pbx.reload_dialplan((DIALPLAN / "informativa.conf").read_text())
    steps = list(lint.features(text))
    assert [step.arguments for step in steps] == ["informativa,read,1"]
    assert lint.missing(pbx, steps) == []
    assert "informed" in pbx.cli("features show")
    assert pbx.warnings() == before


@pytest.mark.sample(3)
@pytest.mark.parametrize("line", BROKEN)
def test_the_lint_sees_what_is_broken(pbx: Pbx, line: str) -> None:
    """A wrong application, function, label, priority, extension or context does not get through."""
    generated = (DIALPLAN / "informativa.conf").read_text()
    broken = f"[broken]\n{line}\n#tryinclude informativa.conf\n"
    assert [complaint for complaint in complaints(pbx, broken, generated) if BROKEN[line] in complaint]
    assert lint.missing(pbx, [lint.Step("features", "x", "Gosub", "informativa,raed,1")])


@pytest.mark.parametrize("line", ["exten => s,1,NoOp()\nexten => s,1,NoOp()", "nonsense"])
def test_what_asterisk_warns_of_is_seen(pbx: Pbx, line: str) -> None:
    """A line that Asterisk warns of when it reads it is a complaint."""
    before = len(pbx.warnings())
    pbx.reload_dialplan(f"[broken]\n{line}\n")
    assert pbx.warnings()[before:]
