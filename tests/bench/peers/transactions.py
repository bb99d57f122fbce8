"""informativa's own service, but for one thing: each call looks up and commits by itself, on the loop.

python transactions.py serve -c CONFIG
"""

from __future__ import annotations

import sys

from informativa import bootstrap
from informativa.cli.main import main

bootstrap.service_desk = bootstrap.script_desk

if __name__ == "__main__":
    sys.exit(main())
