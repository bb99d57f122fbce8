"""All of the program, loaded and out of sight of the garbage collector: what forks of it begin with.

A fork that looks through what it has in common with others has the kernel copy it, a page at a time.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil

import dateutil.relativedelta  # noqa: F401  # as uvloop, loaded where it is needed first
import uvloop  # noqa: F401

import informativa

for module in pkgutil.walk_packages(informativa.__path__, "informativa."):
    importlib.import_module(module.name)
gc.collect()
gc.freeze()
