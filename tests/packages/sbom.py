"""What the package brings with it, as a CycloneDX bill of materials (1.6, JSON).

Of the packages that are installed beside it, those of requirements.txt, with which it was tested. What only
an extra brings is `optional`. No time and no random number is in it: the same content is the same file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement

NOT_SHIPPED = frozenset({"test", "lint"})  # extras that nobody installs to run it


def bill(package: str) -> str:
    """Of an installed package, as JSON."""
    own = distribution(package)
    extras = frozenset(own.metadata.get_all("Provides-Extra") or ()) - NOT_SHIPPED
    required, every = _closure(own, frozenset()), _closure(own, extras)
    components = [
        {**_component(each), "scope": "required" if name in required else "optional"}
        for name, (each, _) in sorted(every.items())
    ]
    facts = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**_component(own), "type": "application"}},
        "components": components,
        "dependencies": [
            {
                "ref": _purl(each),
                "dependsOn": sorted(_purl(every[name][0]) for name in _needs(each, wanted).keys() & every),
            }
            for each, wanted in ((own, extras), *(of for _, of in sorted(every.items())))
        ],
    }
    return json.dumps(facts, indent=2, sort_keys=True) + "\n"


Wanted = tuple[Distribution, frozenset[str]]
"""A package, and which of its extras somebody asks for."""


def _closure(of: Distribution, extras: frozenset[str]) -> Mapping[str, Wanted]:
    """All that it needs, by name, as far as it is installed."""
    found: dict[str, Wanted] = {}
    waiting = list(_needs(of, extras).items())
    while waiting:
        name, wanted = waiting.pop()
        if name in found and wanted <= found[name][1]:
            continue
        try:
            each = distribution(name)
        except PackageNotFoundError:  # of another system or Python
            continue
        found[name] = each, wanted | (found[name][1] if name in found else frozenset())
        waiting += _needs(*found[name]).items()
    return found


def _needs(of: Distribution, extras: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """The packages that it asks for itself, each with the extras that it asks of them."""
    return {
        _plain(each.name): frozenset(each.extras)
        for each in map(Requirement, of.requires or ())
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    }


def _component(of: Distribution) -> dict[str, Any]:
    licences = list(_licences(of))
    named = {"licenses": licences} if licences else {}
    purl = _purl(of)
    name = of.metadata["Name"]
    return {"type": "library", "bom-ref": purl, "name": name, "version": of.version, "purl": purl, **named}


def _licences(of: Distribution) -> Iterator[dict[str, Any]]:
    """As the package says it: an SPDX expression, or the names of its classifiers."""
    if "License-Expression" in of.metadata:
        yield {"expression": of.metadata["License-Expression"]}
        return
    for each in of.metadata.get_all("Classifier") or ():
        if each.startswith("License :: "):
            yield {"license": {"name": each.rpartition(" :: ")[2]}}


def _purl(of: Distribution) -> str:
    return f"pkg:pypi/{_plain(of.metadata['Name'])}@{of.version}"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
