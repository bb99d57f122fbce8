"""Forecasts of what one file would change in the place of another."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from informativa.operations.forecast import compare
from informativa.operations.forecast_document import Forecast


def forecast(new: Path, current: Path, now: datetime, **options: Any) -> Forecast:
    """Compare the text of `new` with that of `current`, as if it stood there."""
    return compare(current.read_text(), new.read_text(), current, now, **options)
