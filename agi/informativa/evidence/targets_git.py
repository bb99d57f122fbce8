"""Publishing to a git repository: files of a clone are committed and pushed to its remote, with the git
program.

The state of the remote counts: it is fetched before anything is read. No hook of the clone is run, and nobody
is asked for a password.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from ..model.errors import ElsewhereError
from ..model.text import Foreign, Text
from .targets import FolderTarget
from .tiles import LARGEST_BUNDLE

REMOTE = "origin"
SECONDS = 120  # for one run of git
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "commit.gpgSign=false",
    "gc.auto=0",
    "user.name=informativa",
    "user.email=informativa@localhost",
)
_INHERITED = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "GIT_SSH_COMMAND")


class GitTarget:
    """A clone, on any branch."""

    def __init__(self, clone: Path) -> None:
        self._clone = clone
        self._files = FolderTarget(clone)
        self._written: dict[str, None] = {}

    @property
    def name(self) -> str:
        return str(self._clone)

    def begin(self) -> None:
        self._files.begin()
        if not (self._clone / ".git").exists():
            raise ElsewhereError(
                Text(
                    "{folder} is no clone of a git repository",
                    "type as the user of the service: git clone ADDRESS {folder}",
                    folder=self._clone,
                )
            )
        self._git("fetch", "--quiet", "--prune", REMOTE)
        self._branch = self._git("symbolic-ref", "--short", "HEAD").decode().strip()
        self._upstream = f"refs/remotes/{REMOTE}/{self._branch}"
        if self._has(self._upstream) and not self._is_ancestor(self._upstream, "HEAD"):
            self._git("merge", "--quiet", "--ff-only", self._upstream)

    def read(self, path: str) -> bytes | None:
        name = f"{self._upstream}:{path}"
        if not self._has(name):
            return None
        if int(self._git("cat-file", "-s", name)) > LARGEST_BUNDLE:
            return b""  # no file of a log is so large, or empty: it was changed there
        return self._git("cat-file", "blob", name)

    def names(self, folder: str) -> list[str]:
        if not self._has(f"{self._upstream}:{folder}"):
            return []
        return self._git("ls-tree", "--name-only", f"{self._upstream}:{folder}").decode().splitlines()

    def write(self, path: str, data: bytes) -> None:
        self._files.write(path, data)
        self._written[path] = None

    def drop(self, folder: str) -> None:
        self._files.drop(folder)
        if self._git("ls-files", "--", folder):
            self._written[folder] = None

    def finish(self) -> None:
        """Commit the written files and push them, with those that an earlier push did not bring there."""
        if self._written:
            paths = "\0".join(self._written).encode()
            literal = ("--literal-pathspecs", "add", "--all", "--force")
            self._git(*literal, "--pathspec-from-file=-", "--pathspec-file-nul", stdin=paths)
            if self._git("diff", "--cached", "--name-only"):
                self._git("commit", "--quiet", "--message", "Publish checkpoints")
        if self._has("HEAD") and not (
            self._has(self._upstream) and self._is_ancestor("HEAD", self._upstream)
        ):
            self._git("push", "--quiet", REMOTE, f"HEAD:refs/heads/{self._branch}")
        self._written.clear()

    def close(self) -> None:
        pass

    def _has(self, name: str) -> bool:
        with suppress(_GitError):
            self._git("rev-parse", "--quiet", "--verify", "--end-of-options", name)
            return True
        return False

    def _is_ancestor(self, older: str, newer: str) -> bool:
        if not self._has(newer):
            return False
        with suppress(_GitError):
            self._git("merge-base", "--is-ancestor", older, newer)
            return True
        return False

    def _git(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        command = ["git", "-C", str(self._clone), *settings, *arguments]
        try:
            completed = subprocess.run(  # noqa: S603  # no shell, and a fixed program
                command,
                input=stdin or b"",
                capture_output=True,
                env=environment,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise self._failed(Text("it did not end within {seconds} s", seconds=SECONDS)) from None
        except OSError as error:
            raise self._failed(Foreign(error.strerror or type(error).__name__)) from error
        if completed.returncode:
            error_lines = completed.stderr.decode("utf-8", "replace").strip().splitlines()
            raise self._failed(Foreign(error_lines[-1][:200] if error_lines else f"git {arguments[0]}"))
        return completed.stdout

    def _failed(self, reason: Text | str) -> _GitError:
        return _GitError(
            Text(
                "The git repository {folder} cannot be used: {why}",
                "try there: git pull && git push; it is tried again",
                folder=self._clone,
                why=reason,
            )
        )


class _GitError(ElsewhereError):
    """A run of git that failed."""
