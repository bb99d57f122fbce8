"""informativa's own service, but for one thing: each call looks up and commits by itself, on the loop.

python transactions.py serve -c CONFIG
"""

from __future__ import annotations

import sys

from informativa import bootstrap
from informativa.call import Desk
from informativa.cli.main import main
from informativa.config import Configuration


def _desk(
    configuration: Configuration,
    before: Desk | None = None,  # noqa: ARG001
    *,
    migrate: bool = False,  # noqa: ARG001
) -> Desk:
    return bootstrap.script_desk(configuration)


bootstrap.service_desk = _desk

if __name__ == "__main__":
    sys.exit(main())
