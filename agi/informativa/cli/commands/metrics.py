"""What turns the service's figures into pictures and alarms: dashboard, alert rules, scrape job."""

from __future__ import annotations

from importlib import resources

import typer

from ...config import DEFAULT_FILE, load
from ...errors import InformativaError
from ..options import Config
from ..words import _

app = typer.Typer(help="What Prometheus and Grafana need to watch the service.", no_args_is_help=True)

_JOB = """\
scrape_configs:
  - job_name: informativa
    static_configs:
      - targets: ["{address}"]
"""


@app.callback()
def _group() -> None:
    pass


@app.command()
def dashboard() -> None:
    """Print the Grafana dashboard (JSON), to import under Dashboards, New, Import."""
    _print("dashboard.json")


@app.command()
def alerts() -> None:
    """Print the alert rules for Prometheus: what is wrong, what it means, and what to type next."""
    _print("alerts.yaml")


@app.command()
def scrape(config: Config = DEFAULT_FILE) -> None:
    """Print the job for prometheus.yml that asks the service of this configuration."""
    configuration = load(config)
    if not configuration.metrics:
        raise InformativaError(
            _("{file} does not say where Prometheus may ask.", file=config),
            _("Set service.metrics there, such as `metrics: 127.0.0.1:9464`, and restart the service."),
        )
    print(_JOB.format(address=configuration.metrics), end="")


def _print(name: str) -> None:
    print(
        (resources.files("informativa") / "templates/monitoring" / name).read_text(encoding="utf-8"), end=""
    )
