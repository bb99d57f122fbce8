"""The native libraries that an installed wheel brings: compiled into its modules, or beside them in `*.libs`.

First the lists that the wheel itself has in `*.dist-info/sboms` (PEP 770). A shared library that auditwheel
put into `*.libs` is there under its own name; its version is told by its text or by a call, and else by its
file's name. What is compiled in and nowhere listed stands in `_COMPILED_IN`.
"""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import Distribution
from pathlib import Path

from packageurl import PackageURL
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class NativeLibrary:
    """A library within a wheel; `version` is '' where nothing tells it, `purl` and `licence` where no list
    has one, and it has no `files` where it is compiled into a module."""

    name: str
    version: str
    purl: str = ""
    licence: str = ""
    files: tuple[str, ...] = ()


def bundled(of: Distribution) -> list[NativeLibrary]:
    """Return all that a distribution brings, by name."""
    name = canonicalize_name(of.name)
    libraries = {*_listed(of), *_shared(of)}
    if compiled := _COMPILED_IN.get(name):
        product, version = compiled
        libraries.add(_generic(product, version()))
    return sorted(libraries, key=lambda one: (one.name, one.version))


def _files(of: Distribution, pattern: str) -> list[Path]:
    return sorted(Path(str(of.locate_file(file))) for file in of.files or () if re.search(pattern, str(file)))


def _listed(of: Distribution) -> Iterator[NativeLibrary]:
    """Iterate over the parts that the wheel's own lists name, but for itself."""
    for file in _files(of, r"\.dist-info/sboms/[^/]+\.json$"):
        for part in json.loads(file.read_text(encoding="utf-8")).get("components", ()):
            purl = part.get("purl", "")
            licences = [one["expression"] for one in part.get("licenses", ()) if "expression" in one]
            if not purl.startswith("pkg:pypi/"):
                yield NativeLibrary(part["name"], part.get("version", ""), purl, "".join(licences[:1]))


def _shared(of: Distribution) -> Iterator[NativeLibrary]:
    """The shared libraries beside the modules; those of one product in one version together."""
    products: dict[tuple[str, str, bool], list[str]] = {}
    for file in _files(of, r"\.libs/[^/]+\.so(\.|$)"):
        stem, _dot, soname = file.name.partition(".so")
        stem = re.sub(r"-[0-9a-f]{8}$", "", stem)  # a hash of auditwheel's
        name, version = _PRODUCTS.get(stem, (stem, lambda _folder: ""))
        number = version(file.parent)
        key = (name, number, True) if number else (stem, soname.lstrip("."), False)
        products.setdefault(key, []).append(file.name)
    for (name, number, named), files in products.items():
        yield (_generic(name, number, *files) if named else NativeLibrary(name, number, files=tuple(files)))


def _generic(product: str, version: str, *files: str) -> NativeLibrary:
    purl = PackageURL("generic", name=product, version=version or None)
    return NativeLibrary(product, version, str(purl), files=files)


def _text(library: str, pattern: bytes) -> Callable[[Path], str]:
    """Return what finds a version in the text of one library of a folder."""

    def version(folder: Path) -> str:
        for file in sorted(folder.glob(f"{library}-*")):
            if match := re.search(pattern, file.read_bytes()):
                return match[1].decode()
        return ""

    return version


def _postgresql(folder: Path) -> str:
    number = ctypes.CDLL(str(next(folder.glob("libpq-*")))).PQlibVersion()
    return f"{number // 10000}.{number % 10000}"


class _LdapInfo(ctypes.Structure):
    """LDAPAPIInfo of ldap_get_option(3)."""

    _fields_ = (
        ("info_version", ctypes.c_int),
        ("api_version", ctypes.c_int),
        ("protocol_version", ctypes.c_int),
        ("extensions", ctypes.c_void_p),
        ("vendor_name", ctypes.c_char_p),
        ("vendor_version", ctypes.c_int),
    )


def _openldap(folder: Path) -> str:
    info = _LdapInfo(info_version=1)
    library = ctypes.CDLL(str(next(folder.glob("libldap-*"))))
    library.ldap_get_option(None, 0, ctypes.byref(info))  # LDAP_OPT_API_INFO
    number = info.vendor_version
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def _libuv() -> str:
    number = import_module("uvloop.loop").libuv_get_version()
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


_OPENSSL = ("openssl", _text("libcrypto", rb"OpenSSL (\d+\.\d+\.\d+)"))
_KRB5 = ("krb5", _text("libkrb5", rb"KRB5_BRAND: krb5-(\d+(?:\.\d+)+)"))
_PRODUCTS: dict[str, tuple[str, Callable[[Path], str]]] = {
    **dict.fromkeys(("libcrypto", "libssl"), _OPENSSL),
    **dict.fromkeys(("libgssapi_krb5", "libk5crypto", "libkrb5", "libkrb5support"), _KRB5),
    **dict.fromkeys(("liblber", "libldap"), ("openldap", _openldap)),
    "libpq": ("postgresql", _postgresql),
}
_COMPILED_IN: dict[str, tuple[str, Callable[[], str]]] = {
    "argon2-cffi-bindings": ("argon2", lambda: ""),
    "cffi": ("libffi", lambda: ""),
    "py-nanotts": ("svox-pico", lambda: ""),
    "pyyaml": ("libyaml", lambda: str(import_module("yaml._yaml").get_version_string())),
    "uvloop": ("libuv", _libuv),
}
