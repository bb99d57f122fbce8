"""informativa's own service, but for one thing: each call looks up and commits by itself, on the loop.

python transactions.py serve -c CONFIG
"""

from __future__ import annotations

import sys

from informativa.call.answering import CallServices
from informativa.cli.main import main
from informativa.config import Configuration
from informativa.process import bootstrap


def _services(
    configuration: Configuration,
    before: CallServices | None = None,  # noqa: ARG001
) -> CallServices:
    return bootstrap.for_script(configuration)


bootstrap.for_service = _services

if __name__ == "__main__":
    sys.exit(main())
