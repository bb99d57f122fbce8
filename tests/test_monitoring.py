"""The dashboard and the alert rules: of what the service really tells, and each rule fires when it must."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from commands import run
from examples import PLAYED
from hooking import SECRET
from informativa.cli.main import app
from informativa.model import Asked, CallResult, Unasked
from informativa.model.choices import KINDS
from lab import audio, prometheus
from lab.debian import Unavailable
from lab.office import Office
from lab.ports import free_port
from metrics import asked, labels_of, metrics
from torture.load import callers, crowd

SHIPPED = Path(__file__).resolve().parent.parent / "docs/monitoring"
DASHBOARD = json.loads((SHIPPED / "dashboard.json").read_text(encoding="utf-8"))
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for rule in yaml.safe_load((SHIPPED / "alerts.yaml").read_text())["groups"][0]["rules"]
}
OF_PROMETHEUS = {"instance", "job"}  # labels that Prometheus gives to whatever it asks


def tool(name: str) -> Path:
    """promtool or prometheus, where it can be had."""
    try:
        return prometheus.tool(name)
    except Unavailable as error:
        pytest.skip(str(error))


@dataclass
class Rule:
    """Series with a sample a minute; in which minutes the rule fires and for what, and in which not."""

    series: Mapping[str, str]
    fires: Mapping[int, str]
    silent: Sequence[int]


OWN = 'instance="pbx", job="informativa"'
ACME = 'controller="acme", instance="pbx"'
BUCKET = f"informativa_answer_seconds_bucket{{{OWN}, le="
CASES = {
    "InformativaDown": Rule(
        {f"up{{{OWN}}}": "1x9 0x9 _x20"},  # there, away, and not asked at all
        {13: OWN, 30: 'job="informativa"'},
        [9, 10],  # a restart takes less than two minutes
    ),
    "InformativaRestarting": Rule(
        {f"informativa_start_time_seconds{{{OWN}}}": "1 2 3 4x40"}, {3: OWN, 10: OWN}, [2, 30]
    ),
    "InformativaLedgerUnusable": Rule(
        {
            f'informativa_ledger_usable{{controller="acme", {OWN}}}': "1x4 0x4 1x10",
            f'informativa_controller_live{{controller="acme", {OWN}}}': "1x20",
            f'informativa_ledger_usable{{controller="refused", {OWN}}}': "0x20",
            f'informativa_controller_live{{controller="refused", {OWN}}}': "0x20",
        },
        {7: f'controller="acme", {OWN}'},
        [4, 5, 12],
    ),
    "InformativaFallback": Rule(
        {
            f'informativa_calls_total{{{ACME}, status="PLAYED"}}': "0+100x60",
            f'informativa_calls_total{{{ACME}, status="FALLBACK"}}': "0x29 0+10x30",
            'informativa_calls_total{controller="few", instance="pbx", status="PLAYED"}': "0+100x60",
            'informativa_calls_total{controller="few", instance="pbx", status="FALLBACK"}': "0+3x60",
            'informativa_calls_total{controller="refused", instance="pbx", status="FALLBACK"}': "0+9x60",
            'informativa_controller_live{controller="refused", instance="pbx"}': "0x60",
            'informativa_calls_total{controller="", instance="pbx", status="FALLBACK"}': "0+9x60",
        },
        {50: ACME},
        [20, 30],
    ),
    "InformativaControllerRefused": Rule(
        {f'informativa_controller_live{{controller="acme", {OWN}}}': "1x4 0x4 1x9"},
        {7: f'controller="acme", {OWN}'},
        [4, 12],
    ),
    "InformativaHookStopped": Rule(
        {f'informativa_hook_stopped{{controller="acme", {OWN}}}': "0x4 1x4 0x9"},
        {5: f'controller="acme", {OWN}', 8: f'controller="acme", {OWN}'},
        [4, 12],
    ),
    "InformativaHookBehind": Rule(
        {f'informativa_hook_oldest_seconds{{controller="acme", {OWN}}}': "0+600x20 0x9"},
        {13: f'controller="acme", {OWN}'},
        [6, 8, 25],
    ),
    "InformativaRequestOverdue": Rule(
        {f'informativa_requests_overdue{{controller="acme", {OWN}}}': "0x4 2x4 0x9"},
        {5: f'controller="acme", {OWN}', 8: f'controller="acme", {OWN}'},
        [4, 12],
    ),
    "InformativaUnusualLooks": Rule(
        {
            f'informativa_unusual_looks{{controller="acme", kind="night", {OWN}}}': "0x4 2x4 0x9",
            f'informativa_unusual_looks{{controller="acme", kind="many-persons", {OWN}}}': "0x20",
        },
        {5: f'controller="acme", {OWN}', 8: f'controller="acme", {OWN}'},
        [4, 12],
    ),
    "InformativaConfigurationRefused": Rule(
        {f"informativa_configuration_loaded{{{OWN}}}": "1x4 0x4 1x9"}, {5: OWN}, [4, 12]
    ),
    "InformativaNotPlayable": Rule(
        {
            f'informativa_playbacks_total{{{ACME}, ending="not-playable", line="+39"}}': "0x9 1x30",
            f'informativa_playbacks_total{{{ACME}, ending="whole", line="+39"}}': "0+1x40",
        },
        {11: f'{ACME}, line="+39"'},
        [9, 30],
    ),
    "InformativaUnknownLine": Rule(
        {
            'informativa_calls_total{controller="", instance="pbx", reason="no-line"}': "0x9 1x90",
            f'informativa_calls_total{{{ACME}, reason="withheld"}}': "0+1x100",
        },
        {11: 'instance="pbx"'},
        [9, 80],
    ),
    "InformativaSlow": Rule(
        {
            f'{BUCKET}"0.5"}}': "0+1000x19 20000+995x19 40000+900x40",
            f'{BUCKET}"1"}}': "0+1000x80",
            f'{BUCKET}"+Inf"}}': "0+1000x80",
        },
        {60: 'instance="pbx"'},
        [19, 35, 45],
    ),
    "InformativaBusy": Rule(
        {
            f'informativa_turned_away_total{{{OWN}, why="busy"}}': "0x4 1x20",
            f'informativa_turned_away_total{{{OWN}, why="abandoned"}}': "0+1x30",
        },
        {6: f'{OWN}, why="busy"'},
        [4, 15],
    ),
    "InformativaStuck": Rule(
        {
            f'informativa_turned_away_total{{{OWN}, why="stuck"}}': "0x4 1x40",
            f'informativa_turned_away_total{{{OWN}, why="abandoned"}}': "0+1x40",
        },
        {6: f'{OWN}, why="stuck"'},
        [4, 25],
    ),
    "InformativaSpoolLeft": Rule(
        {f"informativa_spool_rows{{{OWN}}}": "0x4 2x20 0x9"}, {21: OWN}, [4, 10, 30]
    ),
    "InformativaSpoolUnread": Rule(
        {f"informativa_spool_failures_total{{{OWN}}}": "0x4 0+1x30"}, {25: OWN}, [4, 10]
    ),
    "InformativaNotSigned": Rule(
        {f"informativa_evidence_signing_refused{{{ACME}}}": "0x4 1x20 0x9"}, {16: ACME}, [4, 14, 30]
    ),
    "InformativaCheckpointLate": Rule(
        {f"informativa_evidence_checked_time_seconds{{{ACME}}}": "0x40"}, {22: ACME}, [4, 15, 20]
    ),
}


@pytest.mark.night
@pytest.mark.slow
def test_every_rule_fires_when_it_must_and_only_then(tmp_path: Path) -> None:
    """promtool finds the rules right, and each fires in the minutes named, and in no other."""
    promtool = tool("promtool")
    (tmp_path / "informativa.yaml").write_text((SHIPPED / "alerts.yaml").read_text())
    assert CASES.keys() == RULES.keys()
    assert all(case.fires and case.silent for case in CASES.values())

    def expected(name: str, labels: str) -> list[dict[str, Any]]:
        full = f'ALERTS{{alertname="{name}", alertstate="firing", severity="{severity(name)}", {labels}}}'
        return [{"labels": full, "value": 1}]

    tests = [
        {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": one, "values": values} for one, values in case.series.items()],
            "promql_expr_test": [
                {
                    "expr": f'ALERTS{{alertname="{name}", alertstate="firing"}}',
                    "eval_time": f"{minute}m",
                    "exp_samples": expected(name, case.fires[minute]) if minute in case.fires else [],
                }
                for minute in sorted([*case.fires, *case.silent])
            ],
        }
        for name, case in CASES.items()
    ]
    suite = {"rule_files": ["informativa.yaml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.json").write_text(json.dumps(suite))
    for command in (["check", "rules", "--lint-fatal", "informativa.yaml"], ["test", "rules", "tests.json"]):
        ran = subprocess.run([promtool, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def severity(name: str) -> str:
    """Return how bad it is."""
    return str(RULES[name]["labels"]["severity"])


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_what_to_do(name: str) -> None:
    """What is so, what it means and what to type; only labels that the alert has, and commands that exist."""
    notes, case = RULES[name]["annotations"], CASES[name]
    assert set(notes) == {"summary", "description", "action"}
    label_sets = [set(re.findall(r"(\w+)=", labels)) for labels in case.fires.values()]
    optional = set(re.findall(r"\{\{ with \$labels\.(\w+)", str(notes)))
    used = set(re.findall(r"\$labels\.(\w+)", str(notes))) - optional
    assert all(used <= labels for labels in label_sets)
    tree = typer.main.get_command(app())
    for typed in re.findall(r"informativa ((?:[a-z-]+ ?)+)", re.sub(r"-u informativa", "", notes["action"])):
        if "systemctl" not in notes["action"].partition(typed)[0].rpartition(";")[2]:
            command: Any = tree
            for word in typed.split():
                command = command.commands[word]


def named(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics of an expression, each with the labels that stand in its braces."""
    for name, braces in re.findall(r"\b(informativa_\w+)(?:\{([^}]*)\})?", expression):
        yield name, set(re.findall(r"(\w+)(?:=~|!~|!=|=)", braces))


def gathered(expression: str) -> set[str]:
    """The labels by which an expression gathers or matches."""
    return {
        label.strip() for one in re.findall(r"(?:by|on) \(([^)]*)\)", expression) for label in one.split(",")
    }


def queries() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every query of the dashboard with its panel's title."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target


@dataclass
class Watched:
    """A service, and the port at which it tells its figures."""

    office: Office
    port: int

    def ring(self, calls: int, seed: int) -> None:
        """Make so many calls of all kinds."""
        calling = itertools.islice(callers(random.Random(seed)), calls)
        asyncio.run(crowd(self.office, calling, at_once=8))

    def exported(self) -> dict[str, set[str]]:
        """The labels of each metric that is told."""
        return labels_of(asked(self.port))


@pytest.fixture(scope="module")
def of_choices() -> dict[str, set[str]]:
    """The metrics told where callers are asked choices of every kind, and left out for every reason; the
    office's lines ask none."""
    answers = tuple(
        replace(PLAYED, asked=Asked(asks, asks, answer, ""))
        for asks, kind in KINDS.items()
        for answer in kind.options
    )
    unasked = " ".join(f"offers:{reason}" for reason in Unasked)
    call = CallResult(PLAYED.status, PLAYED.reason, events=answers, unasked=unasked)
    return {name: labels for name, labels in labels_of(metrics((None, call))).items() if "_choices_" in name}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A service whose notices are over at once, after calls of all kinds."""
    folder = tmp_path_factory.mktemp("watched")
    sound = folder / "sound.wav"
    audio.write_wav(sound, audio.synthetic(0.12, seed=1))
    names = ("it/short", "it/full", "de/short", "de/full")
    office, port = Office(folder / "etc", {f"{name}.wav": sound for name in names}), free_port()
    office.edit("  # metrics: 127.0.0.1:9464", f"  metrics: 127.0.0.1:{port}")
    secret = folder / "etc/keys/acme.hook"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    hook = "    hook: {url: 'http://127.0.0.1:1/', secret: keys/acme.hook}\n"
    office.edit("    time_zone: Europe/Rome", f"{hook}    time_zone: Europe/Rome")
    options = ("--controller", "acme", "--by", "website", "--reference", "form 7")
    assert run("record", "+393331234567", *options, "-c", office.config).returncode == 0
    for command in ("checkpoint", "audit"):
        assert run("evidence", command, "--controller", "acme", "-c", office.config).returncode == 0
    office.start()
    try:
        yield Watched(office, port)
    finally:
        office.stop()


@pytest.mark.slow
def test_every_metric_and_label_named_is_told(watched: Watched, of_choices: dict[str, set[str]]) -> None:
    """What dashboard and rules ask for is what the service tells, and the dashboard shows all of it."""
    watched.ring(60, seed=1)
    labels_by_metric = watched.exported() | of_choices
    variables = [
        variable["query"]["query"]
        for variable in DASHBOARD["templating"]["list"]
        if variable["type"] == "query"
    ]
    asks = [
        *variables,
        *(target["expr"] for _, target in queries()),
        *(rule["expr"] for rule in RULES.values()),
    ]
    for expression in asks:
        labels = set()
        for name, braces in named(expression):
            assert braces <= labels_by_metric[name] | OF_PROMETHEUS, expression
            labels |= labels_by_metric[name]
        assert gathered(expression) <= labels | OF_PROMETHEUS, expression
    for variable in variables:
        name, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable).groups()  # type: ignore[union-attr]
        assert label in labels_by_metric[name] | OF_PROMETHEUS
    shown = {name for _, target in queries() for name, _ in named(target["expr"])}
    families = {
        name for name in labels_by_metric if not name.endswith(("_count", "_sum"))
    }  # of the histogram
    assert families - shown == set()


def test_promtool_finds_nothing_wrong_with_what_is_told(watched: Watched) -> None:
    """Names, types and help texts are as Prometheus wants them."""
    watched.ring(20, seed=2)
    ran = subprocess.run(
        [tool("promtool"), "check", "metrics"],
        input=asked(watched.port),
        text=True,
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_rare_failures_are_told_before_they_happen(watched: Watched) -> None:
    """A count that began with the first failure would show Prometheus no increase, and no rule would fire."""
    exported = asked(watched.port)
    for line, controller in (("+390212345678", "acme"), ("+493012345678", "borealis")):
        place = f'controller="{controller}",'
        assert f'informativa_playbacks_total{{{place}ending="not-playable",line="{line}"}} 0.0' in exported
    assert 'reason="no-line",status="FALLBACK"' in exported
    for name in ("spool_failures_total", 'turned_away_total{why="busy"}', 'turned_away_total{why="script"}'):
        assert f"informativa_{name} 0.0" in exported


@pytest.mark.slow
def test_configuration_that_is_refused_is_told(watched: Watched) -> None:
    """Until the file is right again."""
    watched.office.edit("sessions: 2000", "sesions: 2000")
    assert not watched.office.reload()
    assert "informativa_configuration_loaded 0.0" in asked(watched.port)
    watched.office.edit("sesions: 2000", "sessions: 2000")
    assert watched.office.reload()
    assert "informativa_configuration_loaded 1.0" in asked(watched.port)


@pytest.mark.slow
def test_prometheus_answers_every_query(
    watched: Watched, of_choices: dict[str, set[str]], tmp_path: Path
) -> None:
    """A real Prometheus with the shipped scrape job takes the rules, and has something for every panel, under
    the labels that its legend names."""
    program = tool("prometheus")
    job = (SHIPPED / "scrape.yaml").read_text().replace("127.0.0.1:9464", f"127.0.0.1:{watched.port}")
    rules = SHIPPED / "alerts.yaml"
    settings = f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{rules}]\n{job}"
    own = prometheus.Prometheus(program, tmp_path / "prometheus", free_port(), settings)
    try:
        for seed in range(3, 6):  # some calls between two looks
            watched.ring(20, seed)
            results_of(own, f"count_over_time(up[1h]) > {seed - 2}")
        for title, target in queries():
            if {name for name, _ in named(target["expr"])} <= of_choices.keys():
                continue
            query = re.sub(r"\$(controller|line|instance)", ".*", target["expr"])
            query = query.replace("$__rate_interval", "1m").replace("$__range", "1h")
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            results = results_of(own, query)
            assert any(labels <= result["metric"].keys() for result in results), (title, results)
        (group,) = own.get("rules")["groups"]
        assert {rule["name"] for rule in group["rules"]} == RULES.keys()
        assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
    finally:
        own.close()


def results_of(own: prometheus.Prometheus, query: str) -> list[Any]:
    """Return what Prometheus finds, as soon as there is something."""
    until = time.monotonic() + 60
    while not (results := (own.get("query", query=query) or {"result": []})["result"]):
        assert time.monotonic() < until, f"nothing is found by {query}"
        time.sleep(0.2)
    return list(results)


def test_dashboard_is_one_that_grafana_imports() -> None:
    """The fields that Grafana's dashboard schema requires, panels that do not overlap, one data source."""
    assert DASHBOARD["id"] is None
    assert re.fullmatch(r"[\w-]{8,40}", DASHBOARD["uid"])
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    for panel in panels:
        for part in () if panel["type"] == "row" else (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} >= set(
        re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD))
    ) - {"__rate_interval", "__range", "__all"}
