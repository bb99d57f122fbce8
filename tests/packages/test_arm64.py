"""The Debian package for arm64, run on an emulated processor."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from informativa import __version__
from lab.debian import Unavailable, cache_folder, packages, running_suite, silent
from packages import carried, deb

EMULATOR = "qemu-aarch64-static"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A root folder with Debian's Python for arm64 and what the package lays, as postinst leaves it."""
    emulator = shutil.which(EMULATOR)
    if not emulator or os.geteuid() != 0:
        pytest.skip(f"this needs root and {EMULATOR}; type: apt-get install qemu-user-static")
    folder = tmp_path_factory.mktemp("arm64")
    try:
        suite = running_suite()
        python = packages(suite, ["python3", "base-files"], cache_folder(), silent, architecture="arm64")
        package = deb.build(folder, wheel, compression="none", architecture=carried.ARM64)
    except Unavailable as error:
        pytest.skip(str(error))
    root = folder / "root"
    shutil.copytree(python, root, symlinks=True)
    subprocess.run(["tar", "-C", root, "-x", "--keep-directory-symlink"], check=True,
                   input=subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True,
                                        stdout=subprocess.PIPE).stdout)  # fmt: skip
    shutil.copy(emulator, root / EMULATOR)
    newest = max((root / "usr/bin").glob("python3.??"))
    (root / "usr/lib/informativa/bin/python").symlink_to(f"/usr/bin/{newest.name}")
    return root


def test_package_says_for_which_processor_it_is(machine: Path) -> None:
    """Its control file and its compiled modules, as `file` would tell them, are for arm64 alone."""
    (package,) = machine.parent.glob("*.deb")
    field = subprocess.run(["dpkg-deb", "-f", package, "Architecture"], capture_output=True, check=True)
    assert field.stdout == b"arm64\n"
    modules = [file for file in (machine / "usr/lib/informativa/lib").rglob("*.so*") if file.is_file()]
    assert len(modules) > 50
    assert {file.read_bytes()[18:20] for file in modules} == {b"\xb7\x00"}  # EM_AARCH64


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--version"], f"informativa {__version__}"),
        (["init", "/etc/informativa"], "informativa.yaml"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_program_runs(arguments: list[str], line: str, machine: Path) -> None:
    """The program ends with 0 on an arm64 processor, its compiled packages loaded."""
    program = ["/usr/lib/informativa/bin/python", "-I", "/usr/lib/informativa/bin/informativa"]
    ran = subprocess.run(
        ["chroot", machine, f"/{EMULATOR}", *program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert line in ran.stdout


def test_compiled_packages_load(machine: Path) -> None:
    """Each compiled package that the program relies on can be imported there."""
    rust = "cryptography.hazmat.bindings._rust, pydantic_core, pyrage"
    code = f"import argon2, psycopg, uvloop, yaml._yaml, {rust}; print('loaded')"
    program = ["/usr/lib/informativa/bin/python", "-I", "-c", code]
    ran = subprocess.run(
        ["chroot", machine, f"/{EMULATOR}", *program], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "loaded\n"), ran.stderr
