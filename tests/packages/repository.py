"""Lays a signed apt repository of the Debian packages in a folder: `make repository KEY=NAME`.

REPOSITORY=FOLDER is where (`dist/apt`), URL=ADDRESS where it will be reached (`file:FOLDER`). Packages that
are there stay, so that an admin can go back to the version before; the index is made of all. What a web
server must serve is that folder and nothing else. SHA256SUMS of the folder of packages is signed beside it.

apt-ftparchive writes the index, as Debian's own archive has it; gpg signs, because a key of an archive is in
somebody's keyring, on a card perhaps.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.debian import Unavailable
from lab.setup import ROOT
from packages.carried import ARCHITECTURES
from packages.release import SUMS

SUITE, COMPONENT = "stable", "main"
POOL = f"pool/{COMPONENT}/i/informativa"
KEYRING, SOURCES = "informativa-archive-keyring.pgp", "informativa.sources"
_TOOLS = {"apt-ftparchive": "apt-utils", "gpg": "gnupg"}
_RELEASE = {
    "Origin": "informativa",
    "Label": "informativa",
    "Suite": SUITE,
    "Codename": SUITE,
    "Architectures": " ".join(architecture.debian for architecture in ARCHITECTURES),
    "Components": COMPONENT,
    "Description": "informativa: privacy notice for callers of an Asterisk PBX",
}


def lay(folder: Path, packages: Sequence[Path], key: str, address: str = "") -> None:
    """Add packages to the repository in `folder`, and sign its index anew with gpg's key of that name.

    Raises Unavailable where a tool or the key is not there. The repository that was there stays until the
    new index is signed.
    """
    _possible(key)
    pool = folder / POOL
    pool.mkdir(parents=True, exist_ok=True)
    for package in packages:
        _place(package, pool / package.name)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".index-") as work:
        index = Path(work) / "dists" / SUITE
        for architecture in ARCHITECTURES:
            names = index / COMPONENT / f"binary-{architecture.debian}" / "Packages"
            names.parent.mkdir(parents=True)
            names.write_bytes(_ftparchive(folder, "--arch", architecture.debian, "packages", "pool"))
        fields = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in _RELEASE.items()]
        release = _ftparchive(folder, *fields, "release", str(index))
        (index / "Release").write_bytes(release)
        _gpg(key, "--clearsign", "--output", index / "InRelease", index / "Release")
        _gpg(key, "--armor", "--detach-sign", "--output", index / "Release.gpg", index / "Release")
        _gpg(key, "--export", "--output", folder / KEYRING, key)
        shutil.copytree(index.parent, folder / "dists", dirs_exist_ok=True)
    place = address or f"file:{folder.absolute()}"
    keyring = f"/usr/share/keyrings/{KEYRING}"
    lines = [
        "Types: deb",
        f"URIs: {place}",
        f"Suites: {SUITE}",
        f"Components: {COMPONENT}",
        f"Signed-By: {keyring}",
    ]
    (folder / SOURCES).write_text("\n".join(lines) + "\n", encoding="utf-8")


def sign(file: Path, key: str) -> Path:
    """Put the signature of a file beside it, as `gpg --verify FILE.asc` reads it. Raises Unavailable."""
    signature = file.with_name(f"{file.name}.asc")
    _gpg(key, "--armor", "--detach-sign", "--output", signature, file)
    return signature


def _possible(key: str) -> None:
    for tool, package in _TOOLS.items():
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not on this machine.", f"Type: apt-get install {package}")
    if _run("gpg", "--batch", "--list-secret-keys", "--", key).returncode:
        raise Unavailable(
            f"gpg has no key {key!r} to sign with.",
            "Name one of `gpg --list-secret-keys`, "
            "or make one: gpg --quick-generate-key NAME ed25519 sign never",
        )


def _place(package: Path, target: Path) -> None:
    """Copy a package into the pool. Raises Unavailable where another one of that version is there: machines
    that have it would not take the new one, and apt would call it corrupt."""
    if target.exists():
        if target.read_bytes() != package.read_bytes():
            raise Unavailable(
                f"{target} is another build of the same version.", "Give this one the next number."
            )
        return
    part = target.with_suffix(".part")
    shutil.copyfile(package, part)
    part.rename(target)


def _ftparchive(folder: Path, *arguments: str) -> bytes:
    ran = _run("apt-ftparchive", "--quiet", *arguments, cwd=folder)
    if ran.returncode:
        raise Unavailable(f"apt-ftparchive: {ran.stderr.decode().strip()}", "Look there.")
    return ran.stdout


def _gpg(key: str, *arguments: str | Path) -> None:
    ran = _run("gpg", "--batch", "--yes", "--local-user", key, *map(str, arguments))
    if ran.returncode:
        raise Unavailable(f"gpg does not sign: {ran.stderr.decode().strip()}", "Try: gpg --sign")


def _run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False)


def main(arguments: Sequence[str]) -> int:
    """Lay it; the exit code."""
    parser = argparse.ArgumentParser(prog="make repository", description=__doc__)
    parser.add_argument("--key", default="", help="gpg's key, by name, address or fingerprint: KEY=")
    parser.add_argument("--packages", type=Path, default=ROOT / "dist", help="where the packages are: DIST=")
    parser.add_argument("--folder", type=Path, help="where the repository is: REPOSITORY=")
    parser.add_argument("--url", default="", help="where machines will reach it: URL=")
    options = parser.parse_args(arguments)
    folder = options.folder or options.packages / "apt"
    packages = sorted(options.packages.glob("informativa_*.deb"))
    try:
        if not options.key:
            raise Unavailable(
                "Nobody is named who signs.", "Type: make repository KEY=NAME, as gpg knows it."
            )
        if not packages:
            raise Unavailable(f"There is no package in {options.packages}.", "Type: make deb")
        lay(folder, packages, options.key, options.url)
        if (sums := options.packages / SUMS).exists():
            print(sign(sums, options.key))
    except Unavailable as error:
        print(f"repository: {error}", file=sys.stderr)
        return 1
    print(f"repository: {folder} has {len(list((folder / POOL).glob('*.deb')))} packages. Next: serve it.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
