"""`informativa metrics`: the Grafana dashboard, the alert rules and the scrape job of Prometheus."""

from __future__ import annotations

import typer

from ...config import DEFAULT_FILE, load
from ...operations import monitoring
from ..options import Config

app = typer.Typer(help="What Prometheus and Grafana need to watch the service.", no_args_is_help=True)


def add_to(program: typer.Typer) -> None:
    """Give the program the group `metrics`."""
    program.add_typer(app, name="metrics")


@app.command()
def dashboard() -> None:
    """Print the Grafana dashboard (JSON), to import under Dashboards, New, Import."""
    print(monitoring.dashboard(), end="")


@app.command()
def alerts() -> None:
    """Print the alert rules for Prometheus: what is wrong, what it means, and what to type next."""
    print(monitoring.alerts(), end="")


@app.command()
def scrape(config: Config = DEFAULT_FILE) -> None:
    """Print the job for prometheus.yml that asks the service of this configuration."""
    print(monitoring.scrape(load(config)), end="")
