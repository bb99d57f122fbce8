"""The README and what happens: its commands run; and the links of all pages lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands import PROGRAM, beside_the_example, run
from demo import choices as demo_choices
from demo import run as demo
from informativa.call import guard, playback
from informativa.call.caller import mask
from informativa.cli.main import app
from informativa.cli.tree import tree
from informativa.config import schema
from informativa.model import Ending, Reason, Status
from informativa.process import regular_work, script_limit, watchdog
from informativa.prompts import speech_engine
from informativa.prompts.audio import WIDE, Sound, from_pcm
from lab import audio
from lab.office import fill_in, listen_at
from lab.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "docs/by-hand.md",
    "docs/calls.md",
    "docs/operating.md",
    "docs/data.md",
    "docs/many-machines.md",
)
"""The pages that an admin reads, in their order. But for the last there is each in Italian."""
README = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
LONGEST_README = 150  # lines
ROOTS = (
    "warning: root owns the ledgers, so the service runs as root; for Asterisk's user: chown -R asterisk:"
    " {}/informativa\n"
)
DAILY = {  # what the table of every day names, and how it ends where neither service nor Asterisk runs
    "status": 1,
    "report acme": 1,  # before the first call
    "tail --controller acme": 0,
    "test-call +390212345678": 1,
    "doctor": 1,
}
PAGES_OF_DOCS = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [
    *(
        ROOT / name
        for name in ("README.md", "README.it.md", "dialplan/README.md", "prompts/README.md", "CHANGELOG.md")
    ),
    *sorted((ROOT / ".github").rglob("*.md")),
    *PAGES_OF_DOCS,
]


def commands() -> list[str]:
    """Every command line of the README's shell blocks, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", README.partition("# Many machines")[0], re.DOTALL)
    lines = (line.partition("  #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


@pytest.mark.parametrize("name", ["README.md", "README.it.md"])
def test_calls_are_the_demos(name: str) -> None:
    """The two tables of calls are those that the demo plans, with the lengths of the shipped prompts."""
    block = (ROOT / name).read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    notices, answers = (table.splitlines() for table in block.split("\n\n"))
    expected = [
        (str(number), title, f"{mask(caller) if caller else 'withheld'} → {demo.COMPANY[line]}", status)
        for number, (title, caller, line, status) in enumerate(demo.PLAN, 1)
    ]
    rows = [re.split("  +", row) for row in notices[1:]]
    assert [tuple(row[:4]) for row in rows] == expected
    for row, (_title, _caller, line, status) in zip(rows, demo.PLAN, strict=True):
        part = "short-nokey" if status == "FALLBACK" else "short"
        sound = audio.read_wav(ROOT / "prompts" / demo.LANGUAGE[line] / f"{part}.wav")
        length = len(sound) / audio.RATE
        heard = re.fullmatch(r"([\d.]+) of ([\d.]+) s", row[4])
        assert heard, row
        assert heard[2] == f"{length:.1f}", row
        assert (float(heard[1]) > length - 0.2) == (status in {"PLAYED", "FALLBACK"}), row
    assert re.split("  +", answers[0]) == list(demo_choices.COLUMNS)
    for line, planned in zip(answers[1:], demo_choices.PLAN, strict=True):
        key = f"{planned.key}, S s" if planned.key else ""
        columns = (str(planned.number), planned.title, mask(planned.caller), f"{planned.heard} S s", key)
        row = " ".join(filter(None, (*columns, planned.choices, planned.then)))
        assert re.sub(r"\d+\.\d s", "S s", " ".join(line.split())) == row


def hum(text: str, _language: str) -> Sound:
    """A sound as long as it takes to say the text quickly."""
    return from_pcm(audio.synthetic(0.05 * len(text.split()), 1).repeat(WIDE // audio.RATE).tobytes(), WIDE)


@pytest.mark.slow
def test_installation_commands_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An admin who types the `informativa` commands by hand one after the other gets through, and those of
    the README that follow; what `setup` would do is shown. The voice hums: test_prompts.py has it speak."""
    monkeypatch.setattr(speech_engine, "_spoken", hum)
    typed_lines = [
        line for line in commands() if re.search(r"/bin/informativa (?!/)", line) and " serve " not in line
    ]
    assert [line.split("informativa ")[1].split()[0] for line in typed_lines] == [
        *("setup", "setup", "ledger", "prompts", "prompts"),
        *("init", "check", "systemd", "dialplan", "ledger", "dialplan", "explain", "check"),
    ]
    by_hand = typed_lines.index(next(line for line in typed_lines if " init " in line))
    last = typed_lines.index(next(line for line in typed_lines if " explain " in line))
    typed_lines = [
        typed_lines[1].replace(" --yes", ""),
        *typed_lines[by_hand : last - 1],
        *typed_lines[2:by_hand],
        *typed_lines[last - 1 :],
    ]
    if not importlib.util.find_spec("py_nanotts"):
        typed_lines = [
            line for line in typed_lines if " prompts " not in line
        ]  # the README says what they need
    (tmp_path / "extensions.conf").touch()
    for line in typed_lines:
        typed = line.replace("/etc/informativa", f"{tmp_path}/informativa")
        typed = typed.replace("/etc/asterisk", str(tmp_path)).replace("/etc/systemd/system", str(tmp_path))
        if " setup " in typed:
            listen = f"127.0.0.1:{free_port()}"
            typed += f" {tmp_path}/informativa --to {tmp_path} --units {tmp_path} --listen {listen}"
            typed += f" --user {pwd.getpwuid(os.geteuid()).pw_name}"
        ran = run(*shlex.split(typed.partition("/bin/informativa ")[2]))
        if " init " in line:
            fill_in(tmp_path / "informativa/informativa.yaml")  # as the third step has it
            listen_at(tmp_path / "informativa/informativa.yaml", f"127.0.0.1:{free_port()}")
        chown = ROOTS if " systemd " in line and os.geteuid() == 0 else ""  # the README has it done before
        assert (ran.returncode, beside_the_example(ran.stderr)) == (0, chown.format(tmp_path)), (
            f"{typed}\n{ran.stdout}{ran.stderr}"
        )
        if " dialplan install " in line:
            assert "Gosub" in (tmp_path / "informativa.conf").read_text()
    assert not (tmp_path / "informativa.conf").exists()  # taken back again, by hand, too


def test_installation_names_what_debian_leaves_out() -> None:
    """Without python3-venv Debian's Python makes no environment, and leaves a half-made folder."""
    first, second, third = commands()[2:5]
    assert first == "apt-get install -y python3-venv"
    assert second == "python3 -m venv /opt/informativa"
    assert third.startswith("/opt/informativa/bin/pip install")


@pytest.mark.slow
def test_commands_of_the_dialplan_page(tmp_path: Path) -> None:
    """The commands of dialplan/README.md are those of the README's step, and run."""
    (tmp_path / "extensions.conf").touch()
    blocks = re.findall(
        r"```sh\n(.*?)```", (ROOT / "dialplan/README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    lines = [line for block in blocks for line in block.splitlines()]
    assert run("init", tmp_path / "informativa").returncode == 0
    fill_in(tmp_path / "informativa/informativa.yaml")
    for line in lines:
        assert line.startswith("/opt/informativa/bin/informativa dialplan install "), line
        typed = line.replace("/etc/informativa", f"{tmp_path}/informativa")
        ran = run(*shlex.split(typed)[1:], "--to", tmp_path)
        assert (ran.returncode, ran.stderr) == (0, ""), typed
    assert len(lines) == 3


@pytest.mark.slow
def test_commands_of_every_day_run(folder: Path) -> None:
    """The table names commands that exist; without service and Asterisk those that ask them say so."""
    file = folder / "informativa.yaml"
    listen_at(file, f"127.0.0.1:{free_port()}\n  metrics: 127.0.0.1:9464")
    table = README.partition("## Every day")[2].partition("\n## ")[0]
    named: list[str] = []
    for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        first, *more = re.findall(r"`([^`]+)`", row)
        group = first.rpartition(" ")[0]
        named += [first, *(one if " " in one else f"{group} {one}" for one in more)]
    assert [one.removeprefix("informativa ") for one in named if "journalctl" not in one] == [*DAILY]
    if journalctl := shutil.which("journalctl"):
        (logged,) = [one for one in named if one.startswith("journalctl ")]
        typed = [journalctl, "-n1", *logged.split()[1:]]
        ran = subprocess.run(typed, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
    for command, code in DAILY.items():
        if not command.startswith("tail"):
            ran = run(*command.split(), INFORMATIVA_CONFIG=str(file))
            assert ran.returncode == code, (command, ran.stderr)
    closed, out = os.pipe()
    os.close(closed)  # a reader that has seen enough, for tail would follow without end
    (tail,) = [command for command in DAILY if command.startswith("tail")]
    ran = subprocess.run(
        [PROGRAM, *tail.split()],
        env=os.environ | {"INFORMATIVA_CONFIG": str(file)},
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == DAILY[tail], ran.stderr
    os.close(out)


def test_commands_in_the_text_exist() -> None:
    """Each command that a sentence or a table names is one, or a group of them."""
    prose = re.sub(r"^ *```.*?^ *```$", "", README, flags=re.DOTALL | re.MULTILINE)
    named = [" ".join(code.split()) for code in re.findall(r"`informativa ([^`]+)`", prose)]
    known = {" ".join(command.path[1:]): command.commands for command in tree(app()).walk()}
    begun = tuple(f"{path} -" if below else f"{path} " for path, below in known.items())
    assert [one for one in named if one not in known and not f"{one} ".startswith(begun)] == []
    assert len(named) > len(DAILY)


def test_upgrade_is_three_commands() -> None:
    """Install, check, restart: nothing else is typed."""
    block = README.partition("**To upgrade**")[2].partition("```sh\n")[2].partition("```")[0]
    install, check, restart = block.splitlines()
    assert install in commands()[: commands().index(check)]  # as in the first step
    assert " check -c " in check
    assert restart == "systemctl restart informativa"


def test_make_commands_exist() -> None:
    """What the README tells to make can be made."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = [line.split()[1] for line in commands() if line.startswith("make ")]
    assert named == ["demo", "test"]
    assert {*named, *re.findall(r"`make ([a-z]+)", README)} <= set(targets)


def anchors(document: Path) -> list[str]:
    """The names under which the headings of a page can be linked to, by GitHub's rules."""
    prose = re.sub(r"^ *```.*?^ *```$", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    headings = (re.sub(r"\]\([^)]*\)", "]", heading) for heading in re.findall(r"^#+ +(.+)$", prose, re.M))
    return [re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("document", PAGES_OF_DOCS, ids=lambda path: path.name)
def test_headings_of_a_page_differ(document: Path) -> None:
    """Of two headings that differ by case or punctuation alone a link leads to the first."""
    names = anchors(document)
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every file that a document links to is there, and every heading; none leads out of the project."""
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", document.read_text(encoding="utf-8"))
    assert [link for link, _ in links if not (document.parent / link).exists()] == []
    assert [link for link, _ in links if not (document.parent / link).resolve().is_relative_to(ROOT)] == []
    within = [(document.parent / link if link else document, heading) for link, heading in links if heading]
    assert [heading for page, heading in within if heading not in anchors(page)] == []


def skeleton(document: str) -> dict[str, list[str]]:
    """Return what a translation has in common with its original, in its order."""
    prose = re.sub(r"^ *```.*?^ *```$", "", document, flags=re.DOTALL | re.MULTILINE)
    alike = re.sub(r"(?:-(?:en|it)|\.it)(\.png|\.md)", r"\1", prose)
    links = re.findall(r"\]\(([^)]+)\)", alike)
    blocks = re.findall(r"^ *```\w+\n.*?^ *```$", document, re.DOTALL | re.MULTILINE)
    return {
        "blocks": [re.sub(r" +# .*", "", block) for block in blocks],  # a comment is in the page's language
        "headings": re.findall(r"^(#+) ", prose, re.MULTILINE),
        "steps": re.findall(r"^(\d\.) ", prose, re.MULTILINE),
        "columns": [str(row.count("|")) for row in prose.splitlines() if row.startswith("|")],
        "code in tables": re.findall(r"`[^`]+`", "".join(re.findall(r"^\|.*\n", prose, re.MULTILINE))),
        "code": sorted(" ".join(code.split()) for code in re.findall(r"`[^`]+`", prose)),
        "links": links[1:],  # the first is that to the other language
    }


@pytest.mark.parametrize("page", [*PAGES[:-1], "docs/controller.md", "docs/transfers.md"])
def test_italian_page_says_the_same(page: str) -> None:
    """Commands, configuration, headings, tables and links of a page are the same in Italian, in one order."""
    english = (ROOT / page).read_text(encoding="utf-8")
    name = Path(page).name
    italian_name = name.replace(".md", ".it.md")
    italian = (ROOT / page).with_name(italian_name).read_text(encoding="utf-8")
    assert skeleton(italian) == skeleton(english)
    assert f"]({name})" in italian[:100]
    assert f"]({italian_name})" in english[:100]


@pytest.mark.parametrize("name", ["README.md", "README.it.md"])
def test_readme_is_short(name: str) -> None:
    """A reader sees in 150 lines what it is, how to try it, how to install it, and where to read on."""
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= LONGEST_README


CLAIMS = {
    "It is 4588, which": (schema.ServiceSettings, "listen", "127.0.0.1:4588"),
    "more than 64 calls at a time": (script_limit, "RUNNING", 64),
    "within a tenth\nof a second": (playback, "MARGIN", 0.1),
    "not before 95 % of that length": (playback, "PACE", 0.95),
    "150 ms at most for each": (schema.LookupSettings, "milliseconds", 150),
    "after 3 failures it": (guard, "FAILURES", 3),
    "it is left alone for 30 s": (guard, "PAUSE_SECONDS", 30.0),
    "nothing for 10 s, then": (watchdog, "HANGING", 10),
    "it is tried again every 5 s": (regular_work, "REOPEN_SECONDS", 5.0),
    "ledgers every minute, each exactly once": (regular_work, "COLLECT_SECONDS", 60.0),
}
"""Numbers in the README, and where the program has them."""


@pytest.mark.parametrize("claim", CLAIMS)
def test_numbers_are_those_of_the_program(claim: str) -> None:
    """Whoever changes one changes the sentence that says it."""
    place, name, number = CLAIMS[claim]
    assert README.count(claim) == 1
    fields = getattr(place, "model_fields", {})
    assert (fields[name].default if name in fields else getattr(place, name)) == number


def test_every_status_and_reason_is_explained() -> None:
    """Every word that a dialplan can get is explained in the dialplan, where an admin looks for it."""
    explained = (ROOT / "dialplan/informativa.conf").read_text().split("[informativa]")[0]
    of_no_call = {Reason.REQUEST, Reason.RETENTION, Reason.RESTORED, Reason.NEW_KEY}
    of_no_call |= {Reason.CONFIGURED, Reason.COUNTED, Reason.APPROVED}
    untold = {Ending.WHOLE, *of_no_call}  # the first is told by the status
    words = {*Status, *Reason, *Ending} - untold
    assert [word for word in words if word not in explained] == []


@pytest.mark.night  # `make lint` does so, too
def test_prompts_are_what_their_manifest_says() -> None:
    """Texts, sound files and manifest of the shipped prompts agree."""
    command = [sys.executable, ROOT / "prompts/render.py", "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
