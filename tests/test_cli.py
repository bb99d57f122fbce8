"""The command line as an admin uses it, wrong input included."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import pty
import pwd
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote

import pytest
import typer

from commands import IN_SHELL, PROGRAM, explained, refused, run, started
from configurations import without_papers
from doubles import CALLER
from examples import NOTDUE, PARTIAL, PLAYED, UNIDENTIFIED
from informativa import __version__
from informativa.call.caller import pseudonym
from informativa.cli.main import MODULES, app
from informativa.config import findings, load
from informativa.ledgers.sqlite import SqliteLedger
from informativa.model import Identified
from informativa.model.text import quoted
from informativa.operations import access_log
from informativa.process import storage
from informativa.process.preparation import verify_recordings
from informativa.prompts.installed import recordings
from lab.chance import by_day
from lab.office import fill_in, listen_at, without_privileges
from lab.ports import free_port


def test_version() -> None:
    """The command knows its version."""
    assert run("--version").stdout.strip() == f"informativa {__version__}"


@pytest.mark.parametrize("command", [(), ("--help",), ("serve", "--help"), ("ledger", "show", "--help")])
def test_help(command: tuple[str, ...]) -> None:
    """Help comes on request and for a bare command."""
    assert "Usage: informativa" in run(*command).stdout


@pytest.mark.night
@pytest.mark.slow
def test_nothing_but_look_ups_needs_psycopg(folder: Path) -> None:
    """Who looks up nobody in a database need not have the extra `postgres` for help, `check` and `status`."""
    without = "import sys; sys.modules['psycopg'] = None; from informativa.cli.main import main; "
    commands = (["--help"], ["check"], ["status"])
    ran = subprocess.run(
        [sys.executable, "-c", f"{without}print(*[main(words) for words in {commands!r}])"],
        env=os.environ | {"INFORMATIVA_CONFIG": str(folder / "informativa.yaml")},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    codes = ran.stdout.splitlines()[-1]
    assert re.fullmatch("0 [01] 1", codes), ran  # the service does not run; its port may be somebody's
    assert not re.search("psycopg|Traceback", ran.stderr), ran


def test_a_command_loads_no_other() -> None:
    """Each first word is found by its own module alone, with the help that all modules together give."""
    helps = {name: one.help for name, one in typer.main.get_command(app()).commands.items()}
    for words in MODULES.values():
        for word in words:
            assert typer.main.get_command(app(word)).commands[word].help == helps.pop(word)
            assert set(typer.main.get_command(app(word)).commands) == set(words)
    assert set(helps) == {"help"}


@pytest.mark.slow
def test_init_check_show(tmp_path: Path) -> None:
    """The first commands of an admin work one after the other; `check` asks for what `init` leaves open."""
    file = tmp_path / "etc/informativa.yaml"
    assert f"informativa check -c {file}" in run("init", tmp_path / "etc").stdout
    listen_at(file, f"127.0.0.1:{free_port()}")
    unfinished = refused("check", "-c", file).splitlines()
    papers = [one for one in unfinished if "warning:" not in one]
    assert ["does not say which paper the" in one for one in papers] == [True, True]
    fill_in(file)
    checked = run("check", "-c", file)
    assert checked.returncode == 0
    warned = [line.partition(" recordings")[0].partition(":")[2] for line in checked.stderr.splitlines()]
    assert "answers the calls of borealis: what a shortened retention deletes" in warned.pop(0)
    assert warned == [" acme plays", " borealis plays"]
    assert "2 controllers, 2 lines" in checked.stdout
    assert "Acme S.p.A." in run("ledger", "show", "-c", file, "--controller", "acme").stdout
    assert run("ledger", "show", "--controller", "acme", INFORMATIVA_CONFIG=str(file)).returncode == 0


def test_init_touches_nothing_that_exists(tmp_path: Path) -> None:
    """A folder with anything in it is refused and stays as it was."""
    (tmp_path / "informativa.yaml").write_text("mine")
    message = refused("init", tmp_path)
    assert message == f"informativa: {tmp_path} is not empty. Name a new folder: informativa init DIR"
    assert [file.name for file in tmp_path.iterdir()] == ["informativa.yaml"]


def test_init_where_nothing_can_be_written() -> None:
    """A place that cannot be written is told, with what to do."""
    assert "cannot be written" in refused("init", "/proc/informativa")


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("chek",), ["check", "informativa --help"]),
        (("check", "--confg", "x"), ["--config", "informativa check --help"]),
        (("init",), ["DIR", "informativa init --help"]),
        (("check", "-c", "/none.yaml"), ["/none.yaml", "informativa init DIR"]),
        (("serve", "-c", "/none.yaml"), ["/none.yaml", "informativa init DIR"]),
        (("dialplan", "-c", "/none.yaml"), ["/none.yaml", "informativa init DIR"]),
        (("ledger", "show", "-c", "/none.yaml"), ["/none.yaml", "informativa init DIR"]),
        (("check", "-c", "/"), ["is a folder", "-c /informativa.yaml"]),
        (("serve", "--log", "xml"), ["xml", "informativa serve --help"]),
    ],
)
def test_wrong_input(arguments: tuple[str, ...], words: list[str]) -> None:
    """One message that says what is wrong and what to type, and no traceback."""
    message = refused(*arguments)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_unknown_controller(folder: Path) -> None:
    """A controller that does not exist is told, with those that do."""
    message = refused("ledger", "show", "-c", folder / "informativa.yaml", "--controller", "acm")
    assert message == "informativa: There is no controller acm. Did you mean acme?"


@pytest.mark.slow
def test_port_that_is_taken(folder: Path) -> None:
    """A taken port is told with its number and the setting to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        file = folder / "informativa.yaml"
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        listen_at(file, address)
        message = refused("serve", "-c", file)
    assert message.startswith(f"informativa: {address} cannot be listened on")
    assert "service.listen" in message


@pytest.mark.usefixtures("own_port")
def test_ledger_that_is_a_folder(folder: Path) -> None:
    """All that look at it or into it say that it is a folder, and what to do; nothing of its mode."""
    file, ledger = folder / "informativa.yaml", folder / "ledger/acme.sqlite3"
    ledger.mkdir()
    words = f"The ledger {ledger} is a folder"
    fix = f"Type: mv {ledger} {ledger}.aside, or name a file as `ledger`."
    assert refused("check", "-c", file).splitlines()[0] == f"{file}: {words}; {fix}"
    looked = run("doctor", "-c", file).stdout
    assert (words in looked, fix in looked, "chmod" in looked, looked.count(str(ledger))) == (
        True,
        True,
        False,
        3,
    )
    options = ("--controller=acme", "-c", file)
    assert run("ledger", "show", *options).stderr == f"informativa: {words}. {fix}\n"
    assert words in refused("record", CALLER, "--by=website", "--reference=x", *options)
    assert words in run("status", "--screen", "-c", file).stdout


def test_ledger_show_prints_every_record(folder: Path) -> None:
    """The table has a row for each record, with what was heard and what a skip rests on."""
    ledger = SqliteLedger(str(folder / "ledger/acme.sqlite3"))
    for event in (PLAYED, PARTIAL, NOTDUE, UNIDENTIFIED, replace(PLAYED, line="<script>[red]x[/red]")):
        asyncio.run(ledger.append(event))
    ledger.close()
    shown = run("ledger", "show", "-c", folder / "informativa.yaml", "--controller", "acme").stdout
    rows = [row.split() for row in shown.splitlines() if re.match(r" *\d", row)]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert " ".join(rows[0][1:]) == (
        "2026-11-24 13:30:15 +390212345678 31313131 privacy 1 it PLAYED not-informed 9.5 of 9.5 s, whole"
    )
    assert " ".join(rows[1]).endswith("PARTIAL not-informed 2.2 of 9.5 s, key #")
    assert " ".join(rows[2]).endswith("NOTDUE already-informed #1")
    assert "unidentified" in rows[3]
    assert "<script>[red]x[/red]" in rows[4]


def test_ledger_show_streams_and_takes_the_last(folder: Path) -> None:
    """`--last` shows the end of a ledger, and a reader that stops reading is no error."""
    ledger = SqliteLedger(str(folder / "ledger/acme.sqlite3"))
    ledger._store().append([PLAYED] * 3000)
    ledger.close()
    file = folder / "informativa.yaml"
    shown = run("ledger", "show", "-c", file, "--controller=acme", "--last", "2").stdout
    assert [row.split()[0] for row in shown.splitlines() if re.match(r" *\d", row)] == ["2999", "3000"]
    piped = f"set -o pipefail; {IN_SHELL} ledger show -c {quote(str(file))} --controller acme | head -1"
    ran = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "Acme S.p.A. (acme)\n", "")


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--line", "0212345678", "--controller", "acme"), [1, 2, 3, 4]),
        (("--line", "0212345678"), [1, 2, 3, 4]),
        (("--controller=acme", "--caller", "3131"), [1, 2, 3]),
        (("--controller=acme", "--status", "PLAYED"), [1, 4]),
        (("--controller=acme", "--reason", "not-informed", "--status", "PARTIAL"), [2]),
        (("--controller=acme", "--since", "2026-11-25"), [4]),
        (("--controller=acme", "--until", "2026-11-25", "--since", "2026-11-24T12:30:15"), [1, 2, 3]),
        (("--controller=acme", "--until", "2026-11-24T12:30:15Z"), []),
        (("--controller=acme", "--last", "2", "--before", "3"), [1, 2]),
    ],
)
def test_ledger_show_filters(folder: Path, options: tuple[str, ...], numbers: list[int]) -> None:
    """By line, caller, status, reason and time, and page by page; JSON and text show the same records."""
    ledger = SqliteLedger(str(folder / "ledger/acme.sqlite3"))
    ledger._store().append([PLAYED, PARTIAL, NOTDUE, replace(UNIDENTIFIED, at=PLAYED.at + timedelta(days=1))])
    ledger.close()
    shown = run("ledger", "show", *options, "-c", folder / "informativa.yaml").stdout
    assert [int(row.split()[0]) for row in shown.splitlines() if re.match(r" *\d", row)] == numbers
    facts = json.loads(run("ledger", "show", *options, "--json", "-c", folder / "informativa.yaml").stdout)
    assert [record["number"] for record in facts["records"]] == numbers


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--line", "1"), "There is no line 1. There are: +390212345678"),
        (("--caller", "+393331234567"), "By a telephone number, type: informativa caller show NUMBER"),
        (("--caller", "abc"), "or by the first 2, 4, 6 … of them"),
        (("--status", "HEARD"), "HEARD' is not one of 'PLAYED'"),
        (("--reason", "bored"), "bored' is not one of 'not-informed'"),
        (("--since", "yesterday"), "Write it like 2026-01-31 or 2026-01-31T09:30"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "Give an earlier --since or a later --until"),
        (("--before", "0"), "--before"),
    ],
)
def test_ledger_show_refuses_what_it_cannot_filter_by(
    folder: Path, option: tuple[str, ...], sentence: str
) -> None:
    """In one sentence, with what to type instead."""
    output = refused("ledger", "show", "--controller=acme", *option, "-c", folder / "informativa.yaml")
    assert sentence in output
    assert "\n" not in output


def test_missing_ledger_is_told(folder: Path) -> None:
    """A ledger that is not there is not shown as an empty one."""
    shown = run("ledger", "show", "-c", folder / "informativa.yaml", "--controller", "acme").stdout
    assert f"There is no ledger {folder}/ledger/acme.sqlite3" in shown


def test_dialplan_is_written_as_a_whole_or_not_at_all(folder: Path, tmp_path: Path) -> None:
    """A mistake in the configuration leaves the dialplan that is in use as it was."""
    file, output = folder / "informativa.yaml", tmp_path / "informativa.conf"
    assert "dialplan reload" in run("dialplan", "-c", file, "-o", output).stdout
    before = output.read_text()
    file.write_text(file.read_text().replace("controller: acme", "controller: acm"))
    assert "did you mean acme" in refused("dialplan", "-c", file, "-o", output)
    assert output.read_text() == before
    assert [path.name for path in tmp_path.iterdir() if "informativa.conf" in path.name] == [
        "informativa.conf"
    ]


@pytest.mark.usefixtures("own_port")
def test_non_ascii_names_are_no_defect_on_a_plain_terminal(folder: Path) -> None:
    """Where the terminal knows only ASCII, a company's name is shown as well as it can be."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("Acme S.p.A.", "Società Acque"))
    ran = started("check", "-c", file, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False)
    assert "Societ" in ran.stdout


def test_dialplan_is_made_out_for_the_configuration(folder: Path) -> None:
    """The printed dialplan has this service's address, this script, and each line in its spellings."""
    file = folder / "informativa.yaml"
    listen_at(file, "127.0.0.1:4999")
    text = run("dialplan", "-c", file).stdout
    token = (folder / "keys/agi.token").read_text().strip()
    assert f"AGI(agi://127.0.0.1:4999/notice/{token},${{line}},${{options}})" in text
    assert "4588" not in text
    assert f"AGI({file}.agi,${{line}},${{options}})" in text
    assert file.with_name("informativa.yaml.agi").readlink() == Path(sys.executable).with_name(
        "informativa-agi"
    )
    assert f"exten => 0212345678,1,Return({folder}/prompts/it/short-nokey)\n" in text
    assert f"exten => +493012345678,1,Return({folder}/prompts/de/short-nokey)\n" in text
    assert text.count("[informativa-lines]") == 1


def test_controllers_and_their_state(folder: Path) -> None:
    """Each controller is listed with its state; one without its papers is not live, and `check` fails."""
    file = without_papers(folder)
    rows = json.loads(run("controllers", "-c", file, "--json").stdout)["controllers"]
    assert [(row["controller"], row["live"]) for row in rows] == [("acme", True), ("borealis", False)]
    assert rows[1]["why"].startswith("Borealis GmbH is served by")
    assert "borealis: Borealis GmbH, NOT LIVE" in run("controllers", "-c", file).stdout
    message = refused("check", "-c", file)
    assert "controllers.borealis.outsourcing" in message
    assert re.search(r"informativa outsourcing-worksheet -c \S+ borealis", message)


def test_l10_what_is_not_live_is_so_everywhere(folder: Path, tmp_path: Path) -> None:
    """The Garante's measure of 15 November 2007: of a company without its papers nothing is put on record,
    and whoever asks is told."""
    file = without_papers(folder)
    options = ("--controller=borealis", "--by=contract", "--reference=7", "-c", file)
    table = tmp_path / "told.csv"
    table.write_text("number;date\n+393331234567;2026-11-20\n")
    for command in (("record", CALLER), ("import", table)):
        message = refused(*command, *options)
        assert message.startswith("informativa: Controller borealis is not live: Borealis GmbH is served by")
    assert not (folder / "ledger/borealis.sqlite3").exists()
    (tmp_path / "extensions.conf").touch()
    installed = run("dialplan", "install", "--to", tmp_path, "-c", file)
    assert "warning: Borealis GmbH (borealis) is not live, so its callers hear the notice" in installed.stdout
    for command in ("dialplan", "systemd"):
        assert "Borealis GmbH (borealis) is not live" in run(command, "-c", file).stderr
    shown = json.loads(run("status", "--screen", "-c", file, "--json").stdout)["controllers"]
    assert [row["live"] for row in shown] == [True, False]


def test_l10_explain_says_what_a_call_really_gets(folder: Path) -> None:
    """The Garante's measure of 15 November 2007: to a company that is not live a call is FALLBACK, whatever
    its ledger says of the caller."""
    file = folder / "informativa.yaml"
    assert (
        run(
            "record", CALLER, "--controller=borealis", "--by=website", "--reference=x7", "-c", file
        ).returncode
        == 0
    )
    ask = ("explain", "--from", CALLER, "--to", "+493012345678", "-c", file, "--json")
    (live,) = json.loads(run(*ask).stdout)["notices"]
    assert live["status"] == "NOTDUE"
    without_papers(folder)
    facts = json.loads(run(*ask).stdout)
    (notice,) = facts["notices"]
    assert (notice["status"], notice["reason"]) == ("FALLBACK", "ledger-unavailable")
    assert (notice["known"], notice["play"], notice["playback"]["informs"]) == (None, True, False)
    assert facts["line"]["why_not"].startswith("Borealis GmbH is served by Acme S.p.A.")
    output = run(*ask[:-1]).stdout
    assert "status: FALLBACK (ledger-unavailable), nothing recorded" in output
    assert "rule: ledger-unavailable: the company is not live" in output
    assert "not live: Borealis GmbH is served by Acme S.p.A." in output


def test_controllers_say_how_many_records_there_are(folder: Path) -> None:
    """As a number to programs, and of those that are there: what was purged does not count."""
    file, ledger = folder / "informativa.yaml", folder / "ledger/acme.sqlite3"
    assert [row["records"] for row in listed(file)] == [0, 0]
    store = SqliteLedger(str(ledger))
    asyncio.run(store.append(PLAYED))
    asyncio.run(store.append(PLAYED))
    store.close()
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        connection.execute("DELETE FROM event WHERE record = 1")
        connection.commit()
    assert listed(file)[0]["records"] == 1
    ledger.write_bytes(b"no ledger")
    broken = listed(file)[0]
    assert (broken["records"], bool(broken["error"])) == (None, True)
    assert f"ledger: {ledger}, cannot be read" in run("controllers", "-c", file).stdout


def listed(file: Path) -> list[dict]:
    """Return what `controllers` says to programs."""
    return json.loads(run("controllers", "-c", file, "--json").stdout)["controllers"]


def test_outsourcing_worksheet(folder: Path) -> None:
    """The worksheet is filled in from the configuration, and asks what is not known."""
    filled = run("outsourcing-worksheet", "borealis", "-c", folder / "informativa.yaml").stdout
    assert "| Contract | 2026/12, 2026-10-01 |" in filled
    assert "| +493012345678 | de | privacy notice (privacy) |" in filled
    assert "privacy notice 2026-11: handling the call and the service asked for (service)." in filled
    assert "$" not in filled
    empty = run("outsourcing-worksheet", "borealis", "-c", without_papers(folder)).stdout
    assert "| Prior analysis | **open** |" in empty
    assert "There are: acme, borealis." in refused(
        "outsourcing-worksheet", "x", "-c", folder / "informativa.yaml"
    )


def test_explain(folder: Path) -> None:
    """`explain` says what would happen by which rule, before and after a delivery, and touches nothing."""
    (first,) = explained(folder, CALLER)["notices"]
    assert first["reason"] == "not-informed"
    assert first["playback"]["prompt"] == f"{folder}/prompts/it/short"
    assert list((folder / "ledger").iterdir()) == []
    key = bytes.fromhex((folder / "keys/acme.key").read_text())
    event = replace(PLAYED, pseudonym=pseudonym(Identified(CALLER), key), purposes=frozenset({"service"}))
    ledger = SqliteLedger(str(folder / "ledger/acme.sqlite3"))
    asyncio.run(ledger.append(replace(event, version="2026-11")))
    ledger.close()
    before = {file: file.read_bytes() for file in (folder / "ledger").iterdir()}
    facts = explained(folder, CALLER, "--at", "2030-01-01", "--language", "en")
    (known,) = facts["notices"]
    assert (known["status"], facts["language"]) == ("NOTDUE", "en")
    assert (known["known"]["record"], known["known"]["at"]) == (1, "2026-11-24T12:30:15.123+00:00")
    withheld = explained(folder, "withheld")
    assert (withheld["caller"]["recognised"], withheld["caller"]["reason"]) == (False, "withheld")
    assert (withheld["call"]["from"], facts["call"]["from"]) == (None, f"{CALLER[:3]}…{CALLER[-2:]}")
    assert CALLER[3:] not in json.dumps(facts)
    assert {file: file.read_bytes() for file in before} == before


def test_explain_at_a_time_of_the_companys(folder: Path) -> None:
    """A time without an offset is one of the company's zone, as for `record --on`; an offset counts."""
    file = folder / "informativa.yaml"
    assert "    time_zone: Europe/Rome" in file.read_text()
    for typed, at, own in (
        ("2026-01-01", "2025-12-31T23:00:00.000+00:00", "2026-01-01 00:00:00 CET"),
        ("2026-07-01T09:30", "2026-07-01T07:30:00.000+00:00", "2026-07-01 09:30:00 CEST"),
        ("2026-01-01T00:00Z", "2026-01-01T00:00:00.000+00:00", "2026-01-01 01:00:00 CET"),
        ("2026-01-01T00:00-05:00", "2026-01-01T05:00:00.000+00:00", "2026-01-01 06:00:00 CET"),
    ):
        assert explained(folder, CALLER, "--at", typed)["call"]["at"] == at
        call = ("--from", CALLER, "--to", "0212345678", "--at", typed)
        assert f"at: {own}\n" in run("explain", *call, "-c", file).stdout
    message = refused("explain", "--from", CALLER, "--to", "0212345678", "--at", "2026-02-30", "-c", file)
    assert "there is no such day or time. Write it like 2026-01-31 or 2026-01-31T09:30." in message


def test_explain_says_that_a_fallback_language_does_not_count(folder: Path) -> None:
    """GDPR art. 12(1): where a notice in another language than the wanted one informs nobody, `explain` says
    so."""
    file = folder / "informativa.yaml"
    (before,) = explained(folder, CALLER, "--language", "fr")["notices"]
    assert (before["status"], before["playback"]["informs"]) == ("PLAYED", True)
    file.write_text(
        file.read_text().replace("    language: it\n", "    language: it\n    fallback_informs: false\n", 1)
    )
    (after,) = explained(folder, CALLER, "--language", "fr")["notices"]
    assert (after["status"], after["playback"]["informs"]) == ("PLAYED", False)
    call = ("explain", "--from", CALLER, "--to", "0212345678", "-c", file)
    output = run(*call, "--language", "fr").stdout
    assert "PLAYED, if heard to its end, and still due: in that language it does not count\n" in output
    (own,) = explained(folder, CALLER)["notices"]
    assert own["playback"]["informs"]
    assert "status: PLAYED, if heard to its end\n" in run(*call).stdout


def test_explain_as_a_tree(folder: Path) -> None:
    """Without --json it is a tree that names the rule."""
    ran = run("explain", "--from", CALLER, "--to", "0212345678", "-c", folder / "informativa.yaml")
    assert "rule: not-informed: nobody has told this caller to the end yet (GDPR 13(1))" in ran.stdout
    assert "└─ notices" in ran.stdout
    message = refused("explain", "--from", CALLER, "--to", "0299", "-c", folder / "informativa.yaml")
    assert "There are: +390212345678, +493012345678." in message


def test_lookups_are_named_and_not_asked(folder: Path) -> None:
    """`explain` names the company's own system that a call would ask first, and the worksheet says what it
    gets; neither asks it."""
    file = folder / "informativa.yaml"
    lookup = "lookups: {crm: {notice: privacy, url: 'https://crm.example/t?n={number}'}}"
    file.write_text(file.read_text().replace("    retention: 5", f"    {lookup}\n    retention: 5", 1))
    (notice,) = explained(folder, CALLER)["notices"]
    assert notice["lookups"] == ["crm"]
    sheet = run("outsourcing-worksheet", "acme", "-c", file).stdout
    assert "| the number, asked about at `crm.example` | by that system | to know who was told |" in sheet


def recorded(folder: Path, *more: str, number: str = CALLER) -> subprocess.CompletedProcess[str]:
    """Put on record that a caller was told by the first company's website."""
    return run(
        "record",
        number,
        "--controller=acme",
        "--by=website",
        "--reference=form 77",
        "-c",
        folder / "informativa.yaml",
        *more,
    )


def test_told_elsewhere_is_on_record_and_counts(folder: Path) -> None:
    """Who was told on the website is not played to, and an access request shows when, how and where."""
    days = [f"{datetime.now(UTC):%Y-%m-%dT}"]
    ran = recorded(folder, "--on", "2026-11-20")
    days.append(f"{datetime.now(UTC):%Y-%m-%dT}")
    assert ran.stdout == "Record 2: +39…67 got privacy notice, version 2026-11, on a website on 2026-11-20.\n"
    (notice,) = explained(folder, CALLER)["notices"]
    assert notice["status"] == "NOTDUE"
    asked = ("caller", "show", CALLER, "--controller=acme", "-c", folder / "informativa.yaml")
    shown = run(*asked, "--json").stdout
    facts = json.loads(shown)
    ((fact,),) = (controller["records"] for controller in facts["controllers"])
    assert (facts["caller"], fact["controller"]) == ("+39…67", "acme")
    assert (fact["kind"], fact["at"], fact["reference"]) == (
        "website",
        "2026-11-19T23:00:00.000+00:00",
        "form 77",
    )
    assert fact["recorded"].startswith(tuple(days))
    assert "reference: form 77" in run(*asked).stdout
    assert CALLER[3:] not in shown


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--on", "2999-01-01"), 1, "the date is still to come. Give the day on which he was told; days are"),
        (("--on", "1900-01-01"), 1, "the first law on it is of 8 May 1997"),
        (("--on", "0001-01-01"), 1, "the first law on it is of 8 May 1997"),
        (("--on", "2020-01-01"), 1, "past the retention"),
        (("--reference", ""), 1, "the reference is empty"),
        (("--reference", " \t"), 1, "the reference is empty"),
        (("--reference", "form of 333-123 45.67"), 1, "seems to hold a telephone number"),
        (("--reference", "form of 333, 12, 34, 567"), 1, "seems to hold a telephone number"),
        (("--reference", "x" * 201), 1, "longer than 200 characters"),
        (("--version", "9"), 1, "There is no version 9. There are: 2026-11."),
        (("--notice", "other"), 1, "has no notice other. There are: privacy."),
        (("--controller", "acm"), 1, "Did you mean acme?"),
        (
            ("--on", "2026-02-30"),
            2,
            "no such day or time. Write it like 2026-01-31 or 2026-01-31T09:30. Type:",
        ),
        (
            ("--on", "31/01/2026"),
            2,
            "no such day or time. Write it like 2026-01-31 or 2026-01-31T09:30. Type:",
        ),
        (("--on", "2026-01-31T25:00"), 2, "there is no such day or time."),
        (("--on", "20260131"), 2, "there is no such day or time."),
        (("--by", "phone"), 2, "'phone' is not one of 'operator', 'website', 'contract'."),
    ],
)
def test_record_refuses_what_cannot_be(folder: Path, more: tuple[str, ...], code: int, words: str) -> None:
    """What cannot have happened is not put on record."""
    ran = recorded(folder, *more)
    assert ran.returncode == code
    assert words in ran.stderr
    assert "Type it like +393331234567." in recorded(folder, number="3331234567").stderr
    assert not (folder / "ledger/acme.sqlite3").exists()


def test_l19_version_is_on_record_for_days_on_which_it_was_in_force(folder: Path) -> None:
    """GDPR art. 5(2): of two versions each can be recorded for its own days, as days are where the company
    is."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    first = text[text.index('          - version: "2026-11"') :]
    first = first[: first.index("short:")] + "short: {it: prompts/it/short, en: prompts/en/short}\n"
    second = first.replace('"2026-11"', '"2026-12"\n            starts: 2026-11-20')
    end = text.index('          - version: "2026-11"')
    rest = text[text.index("\n\n", end) :]
    file.write_text(text[:end] + first + second + rest)
    assert "no more in force" in recorded(folder, "--on=2026-11-20", "--version=2026-11").stderr
    assert "not yet in force" in recorded(folder, "--on=2026-11-19", "--version=2026-12").stderr
    assert "got privacy notice, version 2026-11," in recorded(folder, "--on=2026-11-19").stdout
    output = recorded(folder, "--on=2026-11-20T00:10").stdout
    assert "got privacy notice, version 2026-12, on a website on 2026-11-20" in output
    shown = json.loads(run("ledger", "show", "-c", file, "--controller=acme", "--json").stdout)["records"]
    assert [row["at"] for row in shown[1:]] == [
        "2026-11-18T23:00:00.000+00:00",
        "2026-11-19T23:10:00.000+00:00",
    ]
    assert all(row["recorded"] > row["at"] for row in shown[1:])


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("+39333123456", "is unusually short: 9 digits after +39, and most of its kind have 10"),
        ("+39 33312", "it has 5 digits after +39, and there they have 6 to 12"),
        ("+39333123456789", "is unusually long: 12 digits"),
        ("+99912345678", "no country has that code"),
        ("+39 1331234567", "after +39 none of 10 digits begins like this"),
        ("+39333223456O", "is no telephone number with country code"),
    ],
)
def test_number_that_cannot_exist_is_not_looked_for(folder: Path, number: str, words: str) -> None:
    """Nobody learns "0 records" of a mistyped number; one that is unusually short is asked about."""
    ran = run("caller", "show", number, "--controller=acme", "-c", folder / "informativa.yaml")
    assert words in ran.stderr
    assert ran.returncode == (0 if "unusually" in words else 1)
    assert "".join(filter(str.isdigit, number))[2:] not in ran.stderr + ran.stdout


def test_l14_customers_have_rights_too(folder: Path) -> None:
    """GDPR art. 15 and 17: callers known by customer number are recorded, shown and erased by it, and by
    nothing else."""
    file = folder / "informativa.yaml"
    options = ("--controller=acme", "-c", file)
    output = run("record", "--customer", "K-4711.a", "--by=contract", "--reference=2026/17", *options)
    assert output.stdout.startswith("Record 2: K-4….a got privacy")
    assert "1 record of" in run("caller", "show", "--customer=K-4711.a", *options).stdout
    assert "0 records of" in run("caller", "show", CALLER, *options).stdout
    assert "1 record erased" in run("caller", "erase", "--customer=K-4711.a", "--yes", *options).stdout
    assert "0 records of" in run("caller", "show", "--customer=K-4711.a", *options).stdout
    assert "such a customer number" in refused("caller", "show", "--customer=K 4711", *options)
    assert "NUMBER or by --customer ID" in refused("caller", "show", *options)
    assert "NUMBER or by --customer ID" in refused("caller", "show", CALLER, "--customer=1", *options)


@pytest.mark.parametrize(
    "command",
    [
        ("caller", "show", CALLER),
        ("caller", "erase", CALLER, "--yes"),
        ("ledger", "show"),
        ("purge",),
        ("tail",),
    ],
)
def test_i6_several_companies_are_never_asked_at_once(folder: Path, command: tuple[str, ...]) -> None:
    """I6: with more than one company configured, one is named, or nothing is shown or done."""
    message = refused(*command, "-c", folder / "informativa.yaml")
    assert message == (
        "informativa: There are several companies, and nothing is shown or done for all at once. Name one:"
        " --controller acme (acme, borealis)"
    )
    assert list((folder / "ledger").iterdir()) == []


def test_only_company_need_not_be_named(folder: Path) -> None:
    """Where there is one, it is meant."""
    file = folder / "informativa.yaml"
    recorded(folder)
    text = file.read_text()
    only_acme = (
        text[: text.index("\n  borealis:")] + text[text.index("\nlines:") : text.index('\n  "+4930')] + "\n"
    )
    file.write_text(only_acme)
    assert "1 record of" in run("caller", "show", CALLER, "-c", file).stdout
    assert "Acme S.p.A. (acme)" in run("ledger", "show", "-c", file).stdout


GONE = {"missing sound": "prompts/de/short.wav", "missing sound of its own": "prompts/it/short.wav"}
GONE |= {"missing key": "keys/borealis.key"}
CHANGED = {
    "bad period": ("name: Borealis GmbH", "name: Borealis GmbH\n    retention: ever"),
    "bad line": ("region: DE", "region: germany"),
    "no region": ("    region: DE\n", ""),
    "unknown setting": ("  listen:", "  lisen:"),
    "unknown section": ("\nlines:", "\nlinse: {}\nlines:"),
    "no operator": ("operator:", "operatore:"),
    "no list": ("# shared_numbers: [", "shared_numbers: 1 # ["),
    "ledger twice": (
        "    ledger: ledger/borealis.sqlite3",
        "    ledger: ledger/b.sqlite3\n    ledger: ledger/borealis.sqlite3",
    ),
}


def mistaken(folder: Path, mistake: str) -> Path:
    """Make it."""
    file = folder / "informativa.yaml"
    if mistake in GONE:
        (folder / GONE[mistake]).unlink()
    elif mistake in CHANGED:
        old, new = CHANGED[mistake]
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
    else:
        (folder / "keys/borealis.key").chmod(0o644)
    return file


@pytest.mark.sample(3)
@pytest.mark.parametrize("mistake", [*GONE, *CHANGED, "key for all"])
def test_mistake_elsewhere_blocks_no_callers_rights(folder: Path, mistake: str) -> None:
    """What is wrong with another company, a line or a sound is told, and stops nobody's access or erasure."""
    recorded(folder)
    file = mistaken(folder, mistake)
    options = ("--controller=acme", "-c", file)
    assert run("check", "-c", file).returncode == 1
    for command, words in (
        (("caller", "show", CALLER), "1 record of"),
        (("ledger", "show"), "website"),
        (("caller", "erase", CALLER, "--yes"), "1 record erased"),
        (("keys", "rotate", "acme", "--yes"), "has a new key"),
    ):
        ran = run(*command, *(options if command[0] != "keys" else options[1:]))
        assert (ran.returncode, words in ran.stdout) == (0, True), ran
        assert f"warning: {file}:" in ran.stderr
    status = run("status", "--screen", "-c", file)
    assert (status.returncode, "Acme S.p.A. (acme)" in status.stdout) == (1, True), status


@pytest.mark.parametrize("mistake", ["missing key", "key for all", "bad period", "ledger twice"])
def test_mistake_of_its_own_does(folder: Path, mistake: str) -> None:
    """A company whose key or section is not in order is not asked: it would say that it knows nobody."""
    file = mistaken(folder, mistake)
    assert "controllers.borealis." in refused("caller", "show", CALLER, "--controller=borealis", "-c", file)
    assert "controllers.borealis." in refused("keys", "rotate", "borealis", "--yes", "-c", file)


@pytest.mark.parametrize(
    ("mistake", "acme", "borealis", "nobody"),
    [
        ("missing sound", None, "controllers.borealis.notices.", "There is no line 0299"),
        ("bad line", None, "lines.", "lines."),
        ("bad period", None, "controllers.borealis.retention", "controllers.borealis.retention"),
        ("no list", "shared_numbers", "shared_numbers", "There is no line 0299"),
    ],
)
def test_mistake_elsewhere_blocks_no_explanation(
    folder: Path, mistake: str, acme: str | None, borealis: str, nobody: str
) -> None:
    """A call is explained where it would be answered, as by the script; what is wrong elsewhere is told."""
    file = mistaken(folder, mistake)
    for line, words in (("0212345678", acme), ("+493012345678", borealis), ("0299", nobody)):
        ran = run("explain", "--from", CALLER, "--to", line, "-c", file)
        if words is None:
            assert (ran.returncode, f"warning: {file}:" in ran.stderr, "not-informed" in ran.stdout) == (
                0,
                True,
                True,
            )
        else:
            assert (ran.returncode, words in ran.stderr) == (1, True), ran


def test_companies_that_stand_twice_are_nobodys(folder: Path) -> None:
    """Where all companies stand in the file twice, it is not clear which of them is meant."""
    file = folder / "informativa.yaml"
    recorded(folder)
    text = file.read_text()
    start = text.index("\ncontrollers:")
    file.write_text(text[: text.index("\nlines:")] + text[start:])
    assert "controllers: stands here twice" in refused(
        "caller", "show", CALLER, "--controller=acme", "-c", file
    )


def test_l10_without_an_operator_nothing_is_put_on_record(folder: Path) -> None:
    """The Garante's measure of 15 November 2007: who answers the calls is not named, so nobody can say
    whether a company needs papers."""
    file = mistaken(folder, "no operator")
    options = ("--controller=acme", "--by=website", "--reference=form 77", "-c", file)
    message = refused("record", CALLER, *options)
    assert "Controller acme is not live: nobody is named as the operator." in message
    assert not (folder / "ledger/acme.sqlite3").exists()


def test_i6_shared_ledger_or_key_is_nobodys(folder: Path) -> None:
    """I6: where two companies share a key or a ledger, the callers of neither are shown."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("ledger/borealis.sqlite3", "ledger/acme.sqlite3"))
    for name, other in (("acme", "borealis"), ("borealis", "acme")):
        message = refused("caller", "show", CALLER, f"--controller={name}", "-c", file)
        assert f"is the ledger of {other} too" in message


def test_erasure_says_first_what_it_would_do(folder: Path) -> None:
    """Nothing is erased without --yes; with it the caller is unknown, and that it happened is on record."""
    file = folder / "informativa.yaml"
    recorded(folder)
    erase = ("caller", "erase", CALLER, "-c", file, "--controller=acme")
    first = run(*erase).stdout
    assert "1 record would be erased" in first
    assert "add --yes" in first
    assert explained(folder, CALLER)["notices"][0]["status"] == "NOTDUE"
    assert "1 record erased" in run(*erase, "--yes").stdout
    assert explained(folder, CALLER)["notices"][0]["reason"] == "not-informed"
    shown = run("ledger", "show", "-c", file, "--controller", "acme").stdout
    assert "erased" in shown
    assert "erasure" in shown


def test_erasure_that_fails_at_one_company_says_what_is_done_at_another(folder: Path) -> None:
    """A program reads the error, and people what was erased before it; the access log has who did it."""
    file = folder / "informativa.yaml"
    recorded(folder)
    borealis = load(file).controllers["borealis"]
    storage.store(borealis).close()
    Path(borealis.ledger).write_bytes(b"no ledger" * 1000)
    both = ("--controller=acme", "--controller=borealis", "-c", file)
    ran = run("caller", "erase", CALLER, "--yes", "--json", "--instruction=T-1", *both)
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["problems"]
    assert "1 record erased" in ran.stderr
    entries = access_log.page(load(file).controllers["acme"]).entries
    assert [(entry.action, entry.detail) for entry in entries[:2]] == [("erase", None), ("erase", "begun")]


def test_key_rotation(folder: Path) -> None:
    """After a rotation callers are known, access and erasure reach both keys, and an old key's time ends."""
    file, keys = folder / "informativa.yaml", folder / "keys"
    recorded(folder)
    before = (keys / "acme.key").read_text()
    (folder / "keys/.acme.key.new").touch()  # as one that was cut off leaves it
    assert "have the service load it" in run("keys", "rotate", "acme", "--yes", "-c", file).stdout
    assert (keys / "acme.key").read_text() != before
    (old,) = keys.glob("acme.key.retired-*")
    assert old.read_text() == before
    assert {path.stat().st_mode & 0o777 for path in keys.iterdir()} == {0o600}
    storage.store(load(file).controllers["acme"]).close()  # as the service does when it loads the key
    assert explained(folder, CALLER)["notices"][0]["status"] == "NOTDUE"
    assert "1 record of" in run("caller", "show", CALLER, "-c", file, "--controller", "acme").stdout
    old.rename(keys / "acme.key.retired-20200101-000000")
    checked = run("check", "-c", file)
    assert f"rm {keys}/acme.key.retired-20200101-000000" in checked.stderr
    assert explained(folder, CALLER)["notices"][0]["reason"] == "not-informed"


def test_key_that_is_missing_is_made(folder: Path) -> None:
    """The command that `check` names makes a missing key right: private, and of whoever owns the ledgers."""
    file, key = folder / "informativa.yaml", folder / "keys/acme.key"
    uid = 54321 if os.geteuid() == 0 else os.geteuid()
    for place in (folder / "ledger", folder):
        os.chown(place, uid, -1)
    key.unlink()
    message = refused("check", "-c", file)
    typed = message.splitlines()[0].partition("type: informativa ")[2].split()
    assert typed == ["keys", "make", "acme", "-c", str(file)]
    assert f"Wrote {key}, readable by {uid if uid == 54321 else ''}" in run(*typed).stdout
    assert (key.stat().st_mode & 0o777, key.stat().st_uid) == (0o600, uid)
    before = key.read_text()
    refusal = refused(*typed)
    assert re.search(r"is there already\. For another one: informativa keys rotate -c \S+ acme$", refusal)
    key.unlink()
    (folder / "ledger/acme.sqlite3").touch()
    assert f"Put the copy of that key back as {key}" in refused(*typed)
    shutil.rmtree(folder / "keys")
    assert json.loads(run(*typed, "--yes", "--json").stdout)["file"] == str(key)
    assert key.read_text() != before
    assert ((folder / "keys").stat().st_mode & 0o777, (folder / "keys").stat().st_uid) == (0o700, uid)


def test_token_that_is_missing_is_made(folder: Path) -> None:
    """`keys make agi` makes the token by which Asterisk is known, once."""
    file, token = folder / "informativa.yaml", folder / "keys/agi.token"
    token.unlink()
    assert json.loads(run("keys", "make", "agi", "--json", "-c", file).stdout)["file"] == str(token)
    assert (token.stat().st_mode & 0o777, len(token.read_text())) == (0o600, 65)
    assert f"For another one: informativa keys rotate -c {file} --agi" in refused(
        "keys", "make", "agi", "-c", file
    )


def test_key_is_made_only_where_the_configuration_says(folder: Path) -> None:
    """For a company whose section does not say where its key is, none is made anywhere."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("    key: keys/acme.key", "    kei: keys/acme.key"))
    before = sorted(folder.rglob("*"))
    assert "controllers.acme.key: is missing" in refused("keys", "make", "acme", "-c", file)
    assert sorted(folder.rglob("*")) == before


def test_purge_says_first_what_it_would_do(folder: Path) -> None:
    """Nothing is deleted without --yes; with it what is older than the retention goes."""
    file = folder / "informativa.yaml"
    store = storage.store(load(file).controllers["acme"])
    store.append([replace(PLAYED, at=datetime(2020, 1, 1, tzinfo=UTC), recorded=None)])
    store.close()
    recorded(folder, "--on", "2026-11-20", number="+393470000001")
    borealis = "    ledger: ledger/borealis.sqlite3\n"
    file.write_text(file.read_text().replace(f"{borealis}    retention: 5 years\n", borealis))
    purge = ("purge", "-c", file, "--controller=acme")
    both = run(*purge, "--controller=borealis").stdout
    assert "Acme S.p.A. (acme): 1 record from before" in both
    assert "Borealis GmbH (borealis): no retention is set" in both
    assert "1 record from before" in run(*purge, "--yes").stdout
    assert "0 records from before" in run(*purge, "--yes").stdout
    assert explained(folder, CALLER)["notices"][0]["reason"] == "not-informed"
    assert explained(folder, "+393470000001")["notices"][0]["status"] == "NOTDUE"


@pytest.mark.usefixtures("own_port")
def test_recording_that_changed_under_its_version_is_refused(folder: Path) -> None:
    """Once a version was served, another recording under its name is refused; a new version is not."""
    file = folder / "informativa.yaml"
    configuration = load(file)
    verify_recordings(configuration, keep=True)
    prompt = folder / "prompts/it/short.wav"
    old = prompt.read_bytes()
    prompt.write_bytes(old[:-400] + b"\1" * 400)
    message = refused("check", "-c", file)
    assert f"{prompt} is not the recording that version 2026-11 was first served with" in message
    prompt.write_bytes(old)
    assert run("check", "-c", file).returncode == 0
    prompt.write_bytes(old[:-400] + b"\1" * 400)
    file.write_text(file.read_text().replace('version: "2026-11"', 'version: "2026-12"', 1))
    assert run("check", "-c", file).returncode == 0


@pytest.mark.usefixtures("own_port")
def test_format_that_is_another_sound_is_refused(folder: Path) -> None:
    """Silence of the same length in another format, which the codec of some callers would choose."""
    file, prompt = folder / "informativa.yaml", folder / "prompts/it/short"
    frames = (Path(f"{prompt}.wav").stat().st_size - 44) // 2
    Path(f"{prompt}.alaw").write_bytes(b"\xd5" * frames)
    assert f"{prompt}.alaw is not the same sound as {prompt}.wav" in refused("check", "-c", file)
    Path(f"{prompt}.alaw").unlink()
    assert run("check", "-c", file).returncode == 0


@pytest.mark.sample(1)
@pytest.mark.parametrize("papers", ['"2026/11"', '"TODO"'])
def test_first_recording_that_is_silent_is_refused(folder: Path, papers: str) -> None:
    """No caller was served another, and yet silence is no notice; `check` says so of who is not live, too."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace('"2026/11"', papers))
    for name in ("it/short", "de/full"):
        prompt = folder / f"prompts/{name}.wav"
        old = prompt.read_bytes()
        prompt.write_bytes(old[:44] + bytes(len(old) - 44))
        output = run("check", "-c", file).stderr
        assert f"{prompt} has no sound, and who hears nothing is told nothing; record it again" in output
        assert "-inf" not in output
        assert f"{prompt} has no sound" in run("doctor", "-c", file).stdout
        prompt.write_bytes(old)
        assert "has no sound" not in run("check", "-c", file).stderr


def test_format_that_was_served_is_compared_by_check(folder: Path) -> None:
    """Also where an earlier informativa remembered it without a look: the service does not do it again."""
    file, prompt = folder / "informativa.yaml", folder / "prompts/it/short"
    frames = (Path(f"{prompt}.wav").stat().st_size - 44) // 2
    Path(f"{prompt}.alaw").write_bytes(b"\xd5" * frames)
    configuration = load(file)
    texts = [one for notice in configuration.notices["acme"] for one in recordings(notice)]
    with contextlib.closing(storage.store(configuration.controllers["acme"])) as ledger:
        ledger.keep_recordings(texts)
    assert "is not the same sound as" in refused("check", "-c", file)


@pytest.mark.usefixtures("own_port")
def test_recording_may_change_before_it_was_served(folder: Path) -> None:
    """`check` alone remembers nothing: prompts may be replaced until the service has run with them."""
    file = folder / "informativa.yaml"
    run("check", "-c", file)
    prompt = folder / "prompts/it/short.wav"
    prompt.write_bytes(prompt.read_bytes()[:-400] + b"\1" * 400)
    assert run("check", "-c", file).returncode == 0


def test_defect_is_one_line_and_exit_code_70(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """An unexpected exception shows no traceback, unless it is asked for."""
    from informativa.cli import main
    from informativa.operations import check

    def defect(_file: Path, _now: datetime) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(check, "check", defect)
    assert main.main(["check", "-c", str(folder / "informativa.yaml")]) == 70
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "secret" not in error
    assert "INFORMATIVA_TRACEBACK=1" in error


def test_i6_one_companys_key_and_ledger_open_nothing_of_anothers(folder: Path) -> None:
    """I6: with one company's key nothing is found in another's ledger, nor with a number in the files."""
    file = folder / "informativa.yaml"
    controllers = load(file).controllers
    for name in controllers:
        run("record", CALLER, f"--controller={name}", "--by=website", "--reference=x", "-c", file)
    for mine, theirs in (("acme", "borealis"), ("borealis", "acme")):
        store = storage.store(controllers[theirs], read_only=True)
        assert store.of_caller(pseudonym(Identified(CALLER), controllers[theirs].key)) != []
        assert store.of_caller(pseudonym(Identified(CALLER), controllers[mine].key)) == []
        assert store.history(pseudonym(Identified(CALLER), controllers[mine].key)) == {}
        (_rule, record) = store.records()
        assert record.event.pseudonym not in Path(controllers[mine].ledger).read_bytes()
        store.close()
    content = b"".join(path.read_bytes() for path in (folder / "ledger").iterdir())
    assert CALLER[3:].encode() not in content


def test_what_is_written_follows_no_link(folder: Path, tmp_path: Path) -> None:
    """A link that somebody left where the new file is prepared or put leads nowhere, and a mode is kept."""
    mine, output = tmp_path / "mine", tmp_path / "informativa.conf"
    mine.write_text("mine")
    (tmp_path / ".informativa.conf.part").symlink_to(mine)
    assert run("dialplan", "-c", folder / "informativa.yaml", "-o", output).returncode == 0
    assert (mine.read_text(), "Gosub" in output.read_text()) == ("mine", True)
    output.chmod(0o640)
    run("dialplan", "-c", folder / "informativa.yaml", "-o", output)
    assert output.stat().st_mode & 0o777 == 0o640


def test_what_replaces_a_link_is_for_its_owner_to_write(folder: Path, tmp_path: Path) -> None:
    """A link lets everybody write, which the unit that root runs, put in its place, must not."""
    unit = tmp_path / "informativa.service"
    unit.symlink_to("/dev/null")  # as `systemctl mask` leaves it
    assert run("systemd", "-c", folder / "informativa.yaml", "-o", unit).returncode == 0
    assert (unit.is_symlink(), unit.stat().st_mode & 0o777) == (False, 0o644)


@pytest.mark.parametrize(
    ("command", "place"), [("systemd", "/"), ("systemd", "."), ("systemd", "/etc"), ("dialplan", "/")]
)
def test_folder_is_no_file_to_write(folder: Path, command: str, place: str) -> None:
    """Whatever a folder is called, it is told to be one, and nothing of making it."""
    message = refused(command, "-c", folder / "informativa.yaml", "-o", place)
    assert message == f"informativa: {place} is a folder. Name a file in it."


def test_a_device_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    """What is no file stays what it is, with a message: a pipe here, /dev/null for root."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused = run("systemd", "-c", folder / "informativa.yaml", "-o", pipe)
    assert (refused.returncode, pipe.is_fifo()) == (1, True)
    assert f"{pipe} cannot be written (Invalid argument)" in refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_anew_stays_its_owners(folder: Path, tmp_path: Path) -> None:
    """A dialplan that only Asterisk's user may read can be read by it after root wrote it anew, and what is
    kept of the configuration is its owner's."""
    output, file = tmp_path / "informativa.conf", folder / "informativa.yaml"
    output.touch(0o640)
    for path in (output, file):
        os.chown(path, 4242, 4242)
    assert run("dialplan", "-c", file, "-o", output).returncode == 0
    status = output.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (4242, 4242, 0o640)
    assert (folder / ".informativa.yaml.parsed").stat().st_uid == 4242


def test_new_token_and_what_to_type_next(folder: Path) -> None:
    """`keys rotate --agi` puts the old token beside the new one and says the order of steps, and no token."""
    file, token = folder / "informativa.yaml", folder / "keys/agi.token"
    before = token.read_text()
    ran = run("keys", "rotate", "--agi", "-c", file)
    (old,) = (folder / "keys").glob("agi.token.retired-*")
    assert (old.read_text(), token.stat().st_mode & 0o777, old.stat().st_mode & 0o777) == (
        before,
        0o600,
        0o600,
    )
    assert token.read_text() != before
    steps = ["systemctl reload informativa", f"informativa dialplan install -c {file}"]
    steps += ["asterisk -rx 'dialplan reload'", f"rm {old}"]
    assert f"Next, in this order: {'; '.join(steps)}" in ran.stdout
    assert before.strip() not in ran.stdout + ran.stderr
    assert f"once the dialplan is reloaded, type: rm {old}" in run("check", "-c", file).stderr
    text = run("dialplan", "-c", file).stdout
    assert token.read_text().strip() in text
    assert before.strip() not in text


def test_tokens_of_two_rotations_all_go(folder: Path) -> None:
    """Another one before the dialplan is reloaded leaves two old tokens, and both are to be deleted."""
    file, keys = folder / "informativa.yaml", folder / "keys"
    first, second = keys / "agi.token.retired-20260101-000000", keys / "agi.token.retired-20260102-000000"
    for old in (first, second):
        old.touch(0o600)
        old.write_text("a" * 64)
    (keys / "agi.token").unlink()
    removal = f"rm {second} {first}"
    ran = run("keys", "rotate", "--agi", "-c", file)
    assert f"the old tokens are {second}, {first}, accepted until" in ran.stdout
    assert ran.stdout.endswith(f"asterisk -rx 'dialplan reload'; {removal}\n")
    document = json.loads(run("keys", "rotate", "--agi", "--json", "-c", file).stdout)
    assert document["old_files"][1:] == [str(second), str(first)]
    assert document["next"][-1] == f"rm {' '.join(document['old_files'])}"


def test_first_token(folder: Path) -> None:
    """Where the configuration names a token that is not there, the same command makes it; where it names
    none, it says what to write."""
    file, token = folder / "informativa.yaml", folder / "keys/agi.token"
    token.unlink()
    assert json.loads(run("keys", "rotate", "--agi", "--json", "-c", file).stdout)["old_files"] == []
    assert (token.stat().st_mode & 0o777, len(token.read_text())) == (0o600, 65)
    file.write_text(file.read_text().replace("  token: keys", "  # token: keys"))
    ran = run("keys", "rotate", "--agi", "-c", file)
    assert (ran.returncode, "Write `token: keys/agi.token` under `service:`" in ran.stderr) == (1, True)


@pytest.mark.parametrize("named", [[], ["acme", "--agi"]])
def test_which_secret_to_rotate_must_be_said(folder: Path, named: list[str]) -> None:
    """A company or --agi, and not both."""
    ran = run("keys", "rotate", *named, "-c", folder / "informativa.yaml")
    assert (ran.returncode, ran.stderr.rstrip().endswith(" --agi")) == (1, True)


def test_dialplan_with_a_token_is_not_for_all_to_read(folder: Path, tmp_path: Path) -> None:
    """What is written with the token in it is at most for owner and group, also where it was for all before;
    a dialplan without one is as it was."""
    output, file = tmp_path / "informativa.conf", folder / "informativa.yaml"
    for mode, left in ((None, 0o640), (0o644, 0o640), (0o664, 0o640), (0o600, 0o600)):
        if mode is not None:
            output.chmod(mode)
        assert run("dialplan", "-c", file, "-o", output).returncode == 0
        assert output.stat().st_mode & 0o777 == left
    output.unlink()
    file.write_text(file.read_text().replace("  token: keys", "  # token: keys"))
    assert run("dialplan", "-c", file, "-o", output).returncode == 0
    assert output.stat().st_mode & 0o777 == 0o644
    assert re.search(r"AGI\(agi://127\.0\.0\.1:\d+/notice,\$\{INFORMATIVA_LINE\}", output.read_text())


def test_script_is_started_by_a_link_that_is_made_anew(folder: Path) -> None:
    """A link of an earlier installation is put right; what is no link is left, and what to type is said."""
    file, link = folder / "informativa.yaml", folder / "informativa.yaml.agi"
    link.symlink_to("/opt/gone/informativa-agi")
    assert run("dialplan", "-c", file).stderr == ""
    assert link.readlink() == Path(sys.executable).with_name("informativa-agi")
    link.unlink()
    link.write_text("mine")
    script = quoted(Path(sys.executable).with_name("informativa-agi"))
    assert f".aside; ln -s {script} " in run("dialplan", "-c", file).stderr
    assert link.read_text() == "mine"


def on_terminal(columns: int, *arguments: str | Path) -> str:
    """Return what a command prints on a terminal of so many columns."""
    terminal, its = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns)}
    ran = subprocess.run([PROGRAM, *arguments], stdout=its, env=environment, timeout=60, check=True)
    os.close(its)
    printed = b""
    with contextlib.suppress(OSError):  # which is how a terminal ends
        while part := os.read(terminal, 65536):
            printed += part
    os.close(terminal)
    assert ran.returncode == 0
    return printed.decode()


def test_records_fit_a_narrow_terminal(folder: Path) -> None:
    """At 60 columns a record takes more lines and none is longer; where there is no terminal it takes one."""
    assert recorded(folder, "--on=2026-11-20").returncode == 0
    shown = ("ledger", "show", "--controller=acme", "-c", folder / "informativa.yaml")
    narrow = on_terminal(60, *shown).splitlines()
    assert max(map(len, narrow)) <= 60
    words = " ".join(narrow).split()
    assert [word for word in run(*shown).stdout.split() if word not in words] == []


def test_help_is_a_command_too() -> None:
    """`informativa help COMMAND` says what `informativa COMMAND --help` says."""
    assert run("help", "ledger", "show").stdout == run("ledger", "show", "--help").stdout
    assert run("help").stdout == run("--help").stdout
    assert run("help", "nonsense").returncode == 2


@pytest.mark.slow
def test_folder_that_is_closed_to_whoever_asks_is_named(folder: Path) -> None:
    """In one sentence, with which folder it is and what to do, and no defect."""
    file, closed = folder / "informativa.yaml", folder / "ledger"
    closed.chmod(0)
    user = pwd.getpwuid(os.geteuid()).pw_name
    sentence = f": {user} may not look at {closed}. It is yours, but closed: ls -ld {closed}\n"
    explain = ["explain", "--from", CALLER, "--to", "+390212345678"]
    commands = (["check"], ["caller", "show", CALLER, "--controller", "acme"], explain)
    for command in commands[: by_day(1, at_night=3)]:
        ran = subprocess.run(
            [*without_privileges(), PROGRAM, *command, "-c", file],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (1, "")
        of_check = [f"{file}: controllers.{name}{sentence}" for name in ("acme", "borealis")]
        expected = of_check if command == ["check"] else [f"informativa{sentence}"]
        assert [line for line in expected if line not in ran.stderr] == [], command
        assert "defect" not in ran.stderr
    closed.chmod(0o700)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
def test_user_without_rights_is_told_who_has_them(folder: Path) -> None:
    """One sentence with the word to type, and nothing about a service that does not answer: it would say
    nothing without the token."""
    keys = folder / "keys"
    os.chown(keys, 54321, -1)
    message = f"root may not look at {keys}. Type the same with `sudo -u '#54321'` before it."
    lines = ("status", "doctor", "doctor --fix --yes", "reload --yes", "controllers",
             "ledger show --controller acme", f"caller show {CALLER} --controller acme")  # fmt: skip
    for line in lines[:: by_day(3, at_night=1)]:
        ran = subprocess.run(
            [*without_privileges(), PROGRAM, *line.split(), "-c", folder / "informativa.yaml"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"informativa: {message}\n"), line


def test_key_of_one_company_alone_is_no_bar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10: where one company's key is another user's, the status of the others is shown."""
    real = findings._read_secret

    def read(file: Path) -> tuple[int, str | None]:
        if file.name == "borealis.key":
            raise PermissionError(errno.EACCES, "Permission denied", str(file))
        return real(file)

    monkeypatch.setattr(findings, "_read_secret", read)
    shown = run("status", "-c", folder / "informativa.yaml")
    assert re.search(r"^borealis +not-live", shown.stdout, re.M)
    assert "borealis.key cannot be read (Permission denied)" in shown.stderr
