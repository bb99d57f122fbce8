"""What turns the service's figures into pictures and alarms: dashboard, alert rules, scrape job."""

from __future__ import annotations

from importlib import resources

from ..config import Configuration
from ..errors import InformativaError
from ..text import Text

_JOB = """\
scrape_configs:
  - job_name: informativa
    static_configs:
      - targets: ["{address}"]
"""


def dashboard() -> str:
    """Grafana's file (JSON)."""
    return _shipped("dashboard.json")


def alerts() -> str:
    """Prometheus's file of rules (YAML)."""
    return _shipped("alerts.yaml")


def scrape(configuration: Configuration) -> str:
    """What prometheus.yml needs (YAML). Raises InformativaError where the service tells no figures."""
    if not configuration.metrics:
        raise InformativaError(
            Text("{file} does not say where Prometheus may ask.", file=configuration.file),
            Text("Set service.metrics there, such as `metrics: 127.0.0.1:9464`, and restart the service."),
        )
    return _JOB.format(address=configuration.metrics)


def _shipped(name: str) -> str:
    return (resources.files("informativa") / "templates/monitoring" / name).read_text(encoding="utf-8")
