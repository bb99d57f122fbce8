"""The benchmark: its arithmetic, its report, and that it refuses the numbers of work that was not done."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import (
    console,
    counted,
    direct,
    evidence,
    figures,
    ledger,
    machine,
    monitoring,
    records,
    report,
    rivals,
)
from bench.figures import Curves, Peers, RefusedError, Report, Result, SkippedError, Spread, Target
from informativa.console.routes import ROUTES
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.redaction import without_numbers
from lab.office import Office
from lab.setup import ROOT

ENVIRONMENT = b"agi_network: yes\nagi_network_script: notice\nagi_threadid: 1\nagi_arg_1: +390212345678\n\n"
compiler = pytest.mark.skipif(not shutil.which("cc"), reason="the load generator needs a C compiler")


def test_ratio_is_taken_round_by_round() -> None:
    """A disturbance that meets both peers of a round leaves the ratio as it is."""
    quiet, disturbed = figures.ratios([10, 10, 10], [5, 5, 5]), figures.ratios([10, 90, 10], [5, 45, 5])
    assert quiet.values == disturbed.values == (2, 2, 2)
    assert figures.differences([10, 90], [5, 45], "ms").values == (5, 45)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        figures.ratios([1, 2], [1])


def test_spread() -> None:
    """The median and the quartiles, also of a single round; without any there is no number."""
    spread = Spread((5.0, 1.0, 4.0, 2.0, 3.0), "ms")
    assert (spread.low, spread.median, spread.high) == (2, 3, 4)
    assert str(spread) == "3 ms (2 to 4)"
    alone = Spread((7.0,), "s")
    assert (alone.low, alone.median, alone.high, str(alone)) == (7, 7, 7, "7 s")
    with pytest.raises(ValueError, match="no round"):
        Spread((), "s")


@pytest.mark.parametrize(
    ("target", "value", "met", "share"),
    [
        (Target(2.0), 2.0, True, 1.0),
        (Target(2.0), 2.1, False, 1.05),
        (Target(4.0, at_most=False), 4.0, True, 1.0),
        (Target(4.0, at_most=False), 2.0, False, 2.0),
    ],
)
def test_target(target: Target, value: float, met: bool, share: float) -> None:
    """A target is met at its limit and not beyond, whichever way it points."""
    assert target.met(value) is met
    assert target.share(value) == pytest.approx(share)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (0.01234, "0.0123"),
        (1.005, "1"),
        (9.999, "10"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345, "12,300"),
    ],
)
def test_numbers_are_shown_to_three_digits(number: float, shown: str) -> None:
    """No more digits than a benchmark can know, and no exponents."""
    assert figures.show(number) == shown


@pytest.fixture
def example() -> Report:
    """A report with a target met, one missed, a number without one, peers, and what could not be had."""
    fast, slow = Spread((1.0, 1.1, 1.2), "×"), Spread((5.0, 6.0, 7.0), "×")
    return Report(
        results=[
            Result("one", "ours against <theirs>", fast, Target(2)),
            Result("two", "calls", slow, Target(8, at_most=False)),
            Result("three", "rows", Spread((17000.0,), "rows/s")),
        ],
        peers=[Peers("one", "time", {"informativa": fast, "other": slow})],
        curves=[Curves("one", "time", "callers", {"informativa": {10_000: fast, 100_000: slow}})],
        warnings=["slow"],
        left_out=[("one", "no go")],
        refused=[("four", "calls on record: 3 expected, 2 found.")],
    )


def test_table(example: Report) -> None:
    """The table says what was found, against which target, whether it was met, and on what machine."""
    text = report.markdown(example, {"CPU": "some"})
    assert "| one | ours against <theirs> | 1.1 × (1.05 to 1.15) | ≤ 2 × | met |" in text
    assert "| two | calls | 6 × (5.5 to 6.5) | ≥ 8 × | **missed** |" in text
    assert "| three | rows | 17,000 rows/s |  |  |" in text
    assert "| other | 6 × | 5.5 to 6.5 | 3 |" in text
    assert "| | 10,000 | 100,000 |" in text
    assert "| informativa | 1.1 × | 6 × |" in text
    assert "- one: no go" in text
    assert "- four: calls on record: 3 expected, 2 found." in text
    assert "- CPU: some" in text
    assert text.startswith("# Benchmark\n\n**slow**\n")


def test_json_has_every_round(example: Report) -> None:
    """The JSON holds what the table says, and the rounds that it was taken from."""
    document = json.loads(report.as_json(example, {"CPU": "some"}))
    assert document["warnings"] == ["slow"]
    assert document["results"][1]["rounds"] == [5, 6, 7]
    assert [one["met"] for one in document["results"]] == [True, False, None]
    assert document["curves"][0]["spreads"]["informativa"]["100000"]["rounds"] == [5, 6, 7]
    assert document["refused"] == [["four", "calls on record: 3 expected, 2 found."]]
    assert document["machine"] == {"CPU": "some"}


@pytest.mark.night
def test_plots(example: Report, tmp_path: Path) -> None:
    """There is a picture of the targets, of each measure's peers and of its curves, with every label in it
    whole, and a missed target is red; a run that found nothing has none."""
    from bench import plots  # matplotlib is not for every worker that collects this file

    drawn = plots.draw(example, {"CPU": "some", "Python": "CPython 3.11"}, tmp_path)
    assert [file.name for file in drawn] == ["targets.svg", "peers-one.svg", "curves-one.svg"]
    targets, peers, curves = (file.read_text() for file in drawn)
    for picture in (targets, peers, curves):
        assert ElementTree.fromstring(picture).tag.endswith("svg")
        assert "<!-- some; Python CPython 3.11 -->" in picture
    assert "ours against &lt;theirs&gt;" in targets
    assert (targets.count("fill: #2e7d32"), targets.count("fill: #c62828")) == (1, 1)
    assert "<!-- other -->" in peers
    assert "<!-- 10,000 -->" in curves
    assert plots.draw(Report(), {}, tmp_path) == []


def test_plot_of_nothing_beside_much(tmp_path: Path) -> None:
    """A measure that came to 0 is drawn beside one that is far larger."""
    from bench import plots  # as above

    much, nothing = Spread((900.0,), "MB"), Spread((0.0,), "MB")
    results = [Result("one", "much", much, Target(1)), Result("one", "nothing", nothing, Target(1))]
    (drawn,) = plots.draw(Report(results=results), {}, tmp_path)
    assert "nothing" in drawn.read_text()


def _made(*arguments: str) -> str:
    """The commands of `make bench`, which are not run."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS", "MAKELEVEL")
    }
    command = ["make", "--no-print-directory", "-n", "bench", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_benchmark_runs_on_the_python_that_admins_have() -> None:
    """It has an environment of its own, of the distribution's Python where that is new enough, or of the one
    that is chosen."""
    distributions = Path("/usr/bin/python3")
    version = "import sys; sys.exit(sys.version_info < (3, 11))"
    new = (
        distributions.exists() and not subprocess.run([distributions, "-c", version], check=False).returncode
    )
    expected = distributions if new else "python3"
    then = "-m lab.setup .bench/venv\n.bench/venv/bin/python -m bench"
    assert _made().startswith(f"{expected} {then}")
    assert _made("PYTHON=python3.12").startswith(f"python3.12 {then}")


PLAIN, PROFILED = (
    {"CONFIG_ARGS": "'--enable-shared'", "OPT": "-O3"},
    {"CONFIG_ARGS": "'--enable-optimizations'"},
)


@pytest.mark.parametrize(
    ("prefix", "build", "slow"),
    [
        ("/opt/python/3.11", PLAIN, True),
        ("/opt/python/3.11", PROFILED, False),
        ("/opt/python", {"PY_CORE_CFLAGS": "-O3 -fprofile-use"}, False),
        ("/usr", PLAIN, False),  # Debian's has a profile and does not say so
    ],
)
def test_python_without_profile_is_warned_of(prefix: str, build: dict[str, str], slow: bool) -> None:
    """One that somebody built without --enable-optimizations; not a distribution's."""
    assert machine.slow_python(prefix, build.get).startswith("This Python was built without") is slow
    assert machine.slow_python(prefix, build.get) == "" or slow


def test_build_of_python_is_reported() -> None:
    """Profile, link-time optimisation, and the flags of the compiler."""
    build = {"CONFIG_ARGS": "'--with-lto' '--enable-optimizations'", "OPT": "-O3 -Wall", "CFLAGS": "-g"}
    assert machine.python_build(build.get) == "--enable-optimizations --with-lto; OPT -O3 -Wall; CFLAGS -g"
    assert machine.python_build(PLAIN.get).startswith(
        "neither --enable-optimizations nor --with-lto; OPT -O3"
    )


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "configuration", "level": "warning"}',
        '{"event": "refused a call", "level": "error"}',
        '{"event": "x", "level": "critical"}',
        '{"event": "x"}',
        "[]",
        "Traceback (most recent call last):",
        "(3 lines were dropped: nobody read them)",
    ],
)
def test_trouble_of_the_service_refuses_its_numbers(line: str) -> None:
    """A warning, an error, or what is no line of the log."""
    quiet = '{"event": "ready", "level": "info"}\n{"event": "call answered", "level": "info"}\n'
    figures.refuse_trouble(quiet)
    with pytest.raises(RefusedError, match=re.escape(f"the service logged: {line}")):
        figures.refuse_trouble(f"{quiet}{line}\n{quiet}")


def test_numbers_of_a_service_that_logged_an_error_are_refused(tmp_path: Path) -> None:
    """A peer without the token, beside the calls that are measured, is such a one."""

    def measure(office: Office) -> None:
        with rivals.serving(office), socket.create_connection(("127.0.0.1", office.port), 30) as peer:
            peer.sendall(ENVIRONMENT)
            assert peer.recv(100) == b""

    with pytest.raises(RefusedError, match="refused a peer without the token"):
        measure(Office(tmp_path / "office"))


@pytest.mark.parametrize("peer", ["calls.py", "load.c"])
def test_measured_calls_bring_what_the_dialplan_sends(peer: str) -> None:
    """The options of a measured call are those of the shipped dialplan, in its order: an environment of
    another form is read by a longer way."""
    dialplan = (ROOT / "dialplan" / "informativa.conf").read_text()
    options = re.findall(r"(\w+)=\$\{FILTER", re.findall(r"LOCAL\(options\)=(.*)", dialplan)[0])
    assert options[0] == "linked"
    assert re.findall(r"agi_arg_\d: (\w+)=", (rivals.SOURCES / peer).read_text()) == options


@pytest.mark.night
def test_instructions_are_of_calls_that_were_made(tmp_path: Path) -> None:
    """The calls that are counted decide, play and record: here three of known callers, and two first ones."""
    office = counted._office(tmp_path, 3)
    counted._calls(office, tmp_path, 3, 3, 2)
    with pytest.raises(RefusedError, match="exit code of the calls"):
        counted._calls(office, tmp_path, 3, 4, 0)  # the fourth is not known


def test_instructions_need_valgrind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed the measure is left out, with the reason."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SkippedError, match="there is no `valgrind` on this machine"):
        counted.instructions(Report(), tmp_path)


def test_total_of_callgrind() -> None:
    """The line that callgrind ends its file with; a file that it did not end is refused."""
    assert counted.total("events: Ir\nfn=(1)\n1 20\ntotals: 2259415427\n") == 2_259_415_427
    with pytest.raises(RefusedError):
        counted.total("events: Ir\n")
    assert counted.apart_percent([1000, 1002, 1001]) == pytest.approx(0.2)


@pytest.mark.night
@pytest.mark.timeout(1800)  # valgrind takes fifty times as long
def test_instructions_are_counted(tmp_path: Path) -> None:
    """A tiny run has a number for both kinds of call, and how far its runs lie apart."""
    report = Report()
    try:
        counted.instructions(report, tmp_path, calls=2, runs=1)
    except SkippedError as error:
        pytest.skip(str(error))
    assert [one.value.unit for one in report.results] == ["instructions", "%"] * 2


@compiler
@pytest.mark.parametrize("name", [rivals.DURABLE, rivals.DURABLE_GO])
@pytest.mark.night
def test_durable_servers_do_the_work_that_they_are_compared_for(tmp_path: Path, name: str) -> None:
    """The servers in C and Go know 10,000 callers, and each call is a record and a leaf in the ledger,
    whether calls come alone or together; a stranger gets no answer and no record."""
    with contextlib.ExitStack() as stack:
        try:
            peer = stack.enter_context(rivals.durable(tmp_path, name))
        except figures.SkippedError as error:
            pytest.skip(str(error))
        for in_flight in (1, 16):
            made = rivals.make_calls(tmp_path, peer.port, 100, in_flight=in_flight)
            assert made["expected"] == 100
        assert peer.recorded() == 200
        strange = rivals.make_calls(tmp_path, peer.port, 10_001, in_flight=64, callers=10_001)
        assert (strange["expected"], peer.recorded()) == (10_000, 10_200)
    assert peer.ledger
    with contextlib.closing(sqlite3.connect(peer.ledger)) as connection:
        leaves = connection.execute("SELECT count(*) FROM leaf WHERE record > 10000").fetchone()
        resting = connection.execute("SELECT count(*) FROM event WHERE basis BETWEEN 1 AND 10000").fetchone()
    assert leaves == resting == (10_200,)


@compiler
@pytest.mark.night
def test_direct_measures_what_was_done(tmp_path: Path) -> None:
    """A tiny run of the peers without Asterisk ends with a number for each, and nothing refused."""
    results = Report()
    direct.direct(results, tmp_path, rounds=1, calls=20)
    assert set(results.peers[0].spreads) >= {rivals.LIMIT, rivals.PANORAMISK, rivals.OURS, rivals.ONE_BY_ONE}
    assert all(spread.median > 0 for spread in results.peers[0].spreads.values())
    assert [one.value.unit for one in results.results] == ["×"] * 5


@compiler
@pytest.mark.night
def test_calls_in_flight_are_measured(tmp_path: Path) -> None:
    """A tiny run has, of each peer, calls a second and CPU for each number of calls at once."""
    results = Report()
    direct.in_flight(results, tmp_path, rounds=1, calls=20, numbers=(1, 8))
    rates, cpu = results.curves
    assert set(rates.spreads) == set(cpu.spreads) >= {rivals.LIMIT, rivals.OURS, rivals.DURABLE}
    assert all(list(by_number) == [1, 8] for by_number in rates.spreads.values())
    assert all(spread.median > 0 for by_number in rates.spreads.values() for spread in by_number.values())


def test_growth_is_measured(tmp_path: Path) -> None:
    """A tiny run has the time of each work at each size, and what each may take."""
    results = Report()
    few, many = tmp_path / "few.sqlite3", tmp_path / "many.sqlite3"
    ledger.fill(few, 400)
    ledger.fill(many, 800)
    ledger._growth(results, {400: few, 800: many}, rounds=1, times=5)
    assert [one.title for one in results.results] == [
        "look-up at 800 callers against 400",
        "append at 800 callers against 400",
        "summary of 30 days, as status shows it at 800 callers",
    ]
    assert list(results.curves[0].spreads["look-up"]) == [400, 800]


@pytest.mark.night
@compiler
def test_work_that_was_not_done_is_refused(tmp_path: Path) -> None:
    """Calls that were not told what they should, or are not on record, give no number."""
    with rivals.null(tmp_path / "null") as null:
        with pytest.raises(RefusedError, match="calls answered: 10 expected, 0 found"):
            direct._take(tmp_path, rivals.Rival("a mute", null.port, null.pid, "NOT THIS"), 10, 64)
        with rivals.served(rivals.OURS, tmp_path / "ours") as server:
            forgetful = rivals.Rival("one without memory", null.port, null.pid, ledger=server.ledger)
            with pytest.raises(RefusedError, match="calls on record: 10 expected, 0 found"):
                direct._take(tmp_path, forgetful, 10, 64)
            assert direct._take(tmp_path, server, 10, 64).rate > 0


@pytest.mark.night
def test_many_callers(tmp_path: Path) -> None:
    """A ledger that is filled in bulk knows its callers as one that calls have filled."""
    file = tmp_path / "many.sqlite3"
    ledger.fill(file, 50)
    store = SqliteStore(str(file))
    last = store.history(ledger._pseudonym(49))["privacy"]
    records = list(store.records())
    store.close()
    assert last.record == len(records) == 50
    assert all(record.event.informs for record in records)
    assert re.match(r"\d{10}", records[7].event.pseudonym.decode())


@pytest.mark.parametrize("row", [0, 99_999, 123_456, 999_999])
def test_imported_rows_refer_to_nobodys_number(row: int) -> None:
    """The benchmark's references are taken as they are, up to the last of a million rows."""
    assert without_numbers(ledger.reference(row)) == ledger.reference(row)


@pytest.mark.night
def test_import_measures_what_was_done(tmp_path: Path) -> None:
    """A tiny import ends with its rows a second and its memory, all rows on record."""
    results = Report()
    ledger.importing(results, tmp_path, rows=20)
    assert [one.value.unit for one in results.results] == ["rows/s", "MB"]


@pytest.mark.night
def test_evidence_measures_what_was_done(tmp_path: Path) -> None:
    """A tiny run ends with a number for each of its measures: what is filled in bulk is sound, and so is what
    gets its leaves while calls go on."""
    results = Report()
    evidence.evidence(results, tmp_path, records=600, rounds=1, times=3)
    words = " ".join(one.title for one in results.results)
    for part in ("checkpoint", "bytes of a record", "receipt", "verify", "audit", "proof", "waits"):
        assert part in words
    assert all(one.value.median > 0 for one in results.results if "proof" not in one.title)
    assert [list(group.spreads) for group in results.peers] == [["with its leaf", "without"]] * 2


@pytest.mark.night
def test_monitor_measures_what_was_done(tmp_path: Path) -> None:
    """The program verified each leaf that was published, started anew and going on."""
    results = Report()
    monitoring.monitoring(results, tmp_path, leaves=1, rounds=1)
    measured = {one.title: one.value.median for one in results.results}
    assert len(measured) == len(results.results) == 12
    assert 88 <= measured["bytes of a leaf in the copy"] < 100


def test_evidence_refuses_the_numbers_of_a_ledger_that_was_changed(tmp_path: Path) -> None:
    """An audit that finds something gives no number."""
    controller = evidence._controller(tmp_path / "office")
    records.fill(controller, 20)
    evidence._audit(Report(), "audit", controller, 1)
    with contextlib.closing(sqlite3.connect(controller.ledger)) as connection, connection:
        connection.execute("UPDATE event SET status = 'PARTIAL' WHERE record = 3")
    with pytest.raises(RefusedError, match="records that are whole"):
        evidence._audit(Report(), "audit", controller, 1)


@compiler
@pytest.mark.night
def test_console_measures_what_was_done(tmp_path: Path) -> None:
    """A tiny run ends with a number for each page that a browser can get, and for calls while people read."""
    results = Report()
    console.console(results, tmp_path, records=20, times=1, rounds=1, seconds=1, rates=(20,))
    measured = "\n".join(one.title for one in results.results) + str(results.left_out)
    assert all(route.path in measured for route in ROUTES if route.get)
    assert [one.title for one in results.results if one.target and not one.title.startswith("GET")] == [
        f"99 of 100 calls at 20 calls/s, 20 readers, {pages} a second each, over nobody"
        for pages in ("a page", "ten pages")
    ]


@compiler
def test_load_at_a_rate(tmp_path: Path) -> None:
    """Calls at a rate begin when they are due, not sooner: ten at 50 a second take a fifth of one."""
    with rivals.null(tmp_path) as null:
        taken = rivals.make_calls(tmp_path, null.port, 10, in_flight=1, rate=50)
    assert (taken["calls"], taken["expected"], taken["seconds"] >= 0.2) == (10, 10, True)
