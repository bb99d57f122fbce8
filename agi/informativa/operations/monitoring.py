"""Files for Prometheus and Grafana, which show the service's metrics: dashboard, alert rules, scrape job."""

from __future__ import annotations

from importlib import resources

from ..config import Configuration
from ..model.errors import InformativaError
from ..model.text import Text

_JOB = """\
scrape_configs:
  - job_name: informativa
    static_configs:
      - targets: ["{address}"]
"""


def dashboard() -> str:
    """Return the dashboard for Grafana (JSON)."""
    return _shipped("dashboard.json")


def alerts() -> str:
    """Return the file of alert rules for Prometheus (YAML)."""
    return _shipped("alerts.yaml")


def scrape(configuration: Configuration) -> str:
    """Return the section for prometheus.yml (YAML). Raises InformativaError where the service publishes no
    metrics."""
    if not configuration.metrics:
        raise InformativaError(
            Text("{file} does not say where Prometheus may ask.", file=configuration.file),
            Text("Set service.metrics there, such as `metrics: 127.0.0.1:9464`, and restart the service."),
        )
    return _JOB.format(address=configuration.metrics)


def _shipped(name: str) -> str:
    return (resources.files("informativa") / "operations/templates/monitoring" / name).read_text(
        encoding="utf-8"
    )
