"""The parts that the package brings with it, as a CycloneDX bill of materials (1.6, JSON).

Of the packages that are installed beside it, those of requirements.txt, with which it was tested, each with
the native libraries within its wheel. What only an extra brings is `optional`. No time and no random number
is in it: the same content is the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, requires
from platform import python_version_tuple

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from packages.carried import EXTRAS, Extras, asked, needed
from packages.native import NativeLibrary, bundled


def bill(package: str) -> str:
    """Return the bill of an installed package, as JSON."""
    python = ".".join(python_version_tuple()[:2])
    required, every = (needed(package, extras, python, requires) for extras in (Extras(), EXTRAS))
    parts = {name: _component(name, ComponentType.LIBRARY) for name in every if name != package}
    for name, part in parts.items():
        part.scope = ComponentScope.REQUIRED if name in required else ComponentScope.OPTIONAL
    own = _component(package, ComponentType.APPLICATION)
    bom = Bom(components=parts.values())
    bom.metadata.component = own
    bom.metadata.timestamp = None  # type: ignore[assignment]  # as cyclonedx-py leaves it out
    bom.serial_number = None  # type: ignore[assignment]
    for name, part in {package: own, **parts}.items():
        bom.register_dependency(part, [parts[other] for other in asked(name, every[name], python, requires)])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(name: str, kind: ComponentType) -> Component:
    of = distribution(name)
    purl = PackageURL("pypi", name=canonicalize_name(name), version=of.version)
    return Component(
        type=kind,
        bom_ref=str(purl),
        name=of.metadata["Name"],
        version=of.version,
        purl=purl,
        licenses=_licences(of),
        components=[_native(library, str(purl)) for library in bundled(of)],
    )


def _native(library: NativeLibrary, within: str) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=f"{within}#{library.name}@{library.version}",
        name=library.name,
        version=library.version or None,
        purl=PackageURL.from_string(library.purl) if library.purl else None,
        licenses=[LicenseExpression(library.licence)] if library.licence else (),
        evidence=_evidence(library, within) if library.files else None,
    )


def _evidence(library: NativeLibrary, within: str) -> ComponentEvidence:
    """Return where it lies. Only those that have a reference are always in the same order."""
    places = [Occurrence(bom_ref=f"{within}#{file}", location=file) for file in library.files]
    return ComponentEvidence(occurrences=places)


def _licences(of: Distribution) -> Iterator[License]:
    """Yield licences as the package says them: an SPDX expression, or the names of its classifiers."""
    if "License-Expression" in of.metadata:
        yield LicenseExpression(of.metadata["License-Expression"])
        return
    for classifier in of.metadata.get_all("Classifier") or ():
        if classifier.startswith("License :: "):
            yield DisjunctiveLicense(name=classifier.rpartition(" :: ")[2])
