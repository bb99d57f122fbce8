"""Places where logs are published, of each kind, and logs to publish there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence.serving import Asked, Reply, answering
from evidence.witnessing import SIGNER, MemoryLog
from informativa.evidence.log_folder import PublishedLog
from informativa.evidence.publishing import PublishedFiles, publish
from informativa.evidence.settings import PublishingTarget, TargetKind
from informativa.process.publication import target

KEY = SIGNER.verifier
BELOW = "informativa/acme/pbx-1/1"


@dataclass
class Place:
    """A target of one kind, and its files as others see them, which a test may change."""

    settings: PublishingTarget
    files: Callable[[], dict[str, bytes]]
    put: Callable[[str, bytes | None], None]
    lose: Callable[[], None]
    drops: bool = True


def git(folder: Path, *arguments: str) -> str:
    """Run git, and return its output."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    settings = ["-c", "user.name=t", "-c", "user.email=t@t.example"]
    command = ["git", *settings, *arguments]
    completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return completed.stdout


def in_folder(folder: Path) -> dict[str, bytes]:
    """All files below it, but git's."""
    paths = (file for file in folder.rglob("*") if file.is_file() and ".git" not in file.parts)
    return {str(file.relative_to(folder)): file.read_bytes() for file in paths}


def put_in(folder: Path, path: str, data: bytes | None) -> None:
    """Change a file, or take it away."""
    file = folder / path
    if data is None:
        file.unlink()
    else:
        file.write_bytes(data)


def folder_place(tmp_path: Path) -> Place:
    """A folder."""
    folder = tmp_path / "mount"
    folder.mkdir()
    return Place(
        PublishingTarget(TargetKind.FOLDER, str(folder)),
        lambda: in_folder(folder),
        lambda path, data: put_in(folder, path, data),
        lambda: shutil.rmtree(folder),
    )


def git_place(tmp_path: Path) -> Place:
    """A clone of an empty repository, which a second clone looks at."""
    bare, clone, other = tmp_path / "bare.git", tmp_path / "clone", tmp_path / "other"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(clone))
    git(tmp_path, "clone", "--quiet", str(bare), str(other))

    def files() -> dict[str, bytes]:
        git(other, "pull", "--quiet")
        return in_folder(other)

    def put(path: str, data: bytes | None) -> None:
        git(other, "pull", "--quiet")
        put_in(other, path, data)
        git(other, "add", "--all")
        git(other, "commit", "--quiet", "--message", "changed")
        git(other, "push", "--quiet")

    return Place(PublishingTarget(TargetKind.GIT, str(clone)), files, put, lambda: shutil.rmtree(bare))


@contextmanager
def served_place() -> Iterator[Place]:
    """A web address, which takes what is put there with the right token."""
    files: dict[str, bytes] = {}
    lost: list[bool] = []

    def reply(request: Asked) -> Reply:
        path = request.path.removeprefix("/logs/")
        if lost or request.headers.get("authorization") != "Bearer secret":
            return 503 if lost else 401, "text/plain", b""
        if request.method == "PUT":
            files[path] = request.body
            return 201, "text/plain", b""
        return (200, "text/plain", files[path]) if path in files else (404, "text/plain", b"")

    def put(path: str, data: bytes | None) -> None:
        files.pop(path) if data is None else files.update({path: data})

    with answering(reply) as server:
        settings = PublishingTarget(TargetKind.URL, f"{server.url}/logs", token="secret")
        yield Place(settings, lambda: dict(files), put, lambda: lost.append(True), drops=False)


def grown(folder: Path, *sizes: int, fork: int | None = None) -> PublishedLog:
    """A log with a checkpoint of each of these sizes, as the sequencer leaves it."""
    log, memory = PublishedLog(folder), MemoryLog.of(max(sizes), fork)
    log.put_key(KEY)
    old = max(log.sizes(), default=0)
    for size in sizes:
        names = [b"%d" % at if fork is None or at < fork else b"x%d" % at for at in range(old, size)]
        log.extend(old, names)
        log.put_checkpoint(size, memory.note(size))
        log.tiles.drop_partials(old, size)
        old = size
    return log


def published(log: PublishedLog, place: Place, **more: bool) -> PublishedFiles:
    """Bring it there."""
    return publish(log, KEY, target(place.settings), **more)
