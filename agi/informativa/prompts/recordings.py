"""The present sound of a prompt at the moment of a call, compared with the sound that was checked before.

A record says that a caller heard a text, so a file that was exchanged since is not played: for silence of the
same length Asterisk reports the same as for the notice. A look that finds nothing changed costs some
microseconds. A changed file is read again; it may be the same after all, or one more format of that sound.
"""

from __future__ import annotations

import time
import wave
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

from ..model import ChangedRecording, Notice, Prompt, Recording, recording_digest
from ..model.errors import LedgerError, PromptError
from ..model.ports import Recordings
from ..model.text import Foreign, Text
from .installed import hashed, installed, mark, marks, measure, preferred_files, prompts_of
from .mounts import remote_devices

SETTLED_SECONDS = 2.0  # a younger file may be written again within the same timestamp
LOOKS = 3  # at files that change while they are read

Hashes = Mapping[Path, str]
PromptLook = Prompt | ChangedRecording
Look = Callable[[], PromptLook]


class PromptKey(NamedTuple):
    """A prompt by its path, and its controller."""

    controller: str
    path: str

    @property
    def folder(self) -> str:
        """The folder of its files."""
        return self.path.rpartition("/")[0]


Beside = Callable[[PromptKey, Look], Awaitable[PromptLook]]
"""Looks at the files of one prompt without delaying calls with other prompts; one look at a time."""


class ServedRecordings(Protocol):
    """Recordings that callers of one controller were served before."""

    def of(self, controller: str, prompt: Prompt, hashes: Hashes) -> Mapping[str, set[str]] | None:
        """Return, by format, the SHA-256 that a prompt's file should have, one for each version that has it;
        `None` if that is unknown."""

    def keep(self, controller: str, prompt: Prompt, hashes: Hashes) -> None:
        """Remember the recordings that are served now."""


class InstalledRecordings(Recordings):
    """The `Recordings` of this machine. `beside` runs slow work without delaying other calls."""

    def __init__(
        self,
        served: ServedRecordings,
        beside: Beside,
        settled: float = SETTLED_SECONDS,
        remote: Callable[[], Container[int]] = remote_devices,
    ) -> None:
        self._served, self._beside, self._settled, self._remote = served, beside, settled, remote
        self._outcomes: dict[PromptKey, tuple[Mapping[str, tuple[int, ...]], PromptLook]] = {}
        self._remote_places: set[PromptKey] = (
            set()
        )  # places on file systems where even a look at a mark may hang
        self._compared: dict[str, Text | None] = {}  # by digest, the fault of formats that were added later

    async def current(self, controller: str, prompt: Prompt) -> Prompt | ChangedRecording:
        """Implement the port."""
        place = PromptKey(controller, prompt.path)
        if place not in self._remote_places and (outcome := self._remembered(place)):
            return outcome
        return await self._beside(place, lambda: self._look_again(place, prompt))

    def _remembered(self, place: PromptKey) -> PromptLook | None:
        """Return the earlier outcome, if nothing changed since."""
        if place not in self._outcomes:
            return None
        file_marks, outcome = self._outcomes[place]
        try:
            for file, file_mark in file_marks.items():
                if mark(file) != file_mark:
                    return None
        except OSError:
            return None
        return outcome

    def _look_again(self, place: PromptKey, prompt: Prompt) -> PromptLook:
        if outcome := self._remembered(place):
            return outcome
        for _again in range(LOOKS):
            try:
                began, marks_before = time.time(), marks(prompt.path)
                outcome = self._look(place.controller, prompt)
                marks_after = marks(prompt.path)
            except FileNotFoundError:
                outcome, marks_before, marks_after = prompt, {}, None  # folder or file was just deleted
                continue
            except OSError as error:
                reason = Foreign(error.strerror or "")
                message = Text("{file} cannot be read ({why})", "run this as a user who may")
                return ChangedRecording(message.format(file=error.filename or prompt.path, why=reason))
            if marks_before == marks_after:
                if began - max(changed for *_, changed in marks_before.values()) / 1e9 > self._settled:
                    remote = self._remote()
                    if any(device in remote for device, *_ in marks_before.values()):
                        self._remote_places.add(place)
                    self._outcomes[place] = marks_before, outcome
                return outcome
        if marks_after is None:
            return prompt
        return ChangedRecording(Text("{file} is being written", "wait for the end", file=prompt.path))

    def _look(self, controller: str, prompt: Prompt) -> PromptLook:
        files = installed(prompt.path)
        if not (files or preferred_files(prompt.path)):
            return prompt
        hashes = hashed(prompt.path)
        served = self._served.of(controller, prompt, hashes)
        for file, sha256 in hashes.items():
            if served is not None and served.get(file.suffix[1:], {sha256}) != {sha256}:
                return ChangedRecording(
                    Text(
                        "{file} is not the recording any more that its version was first served with",
                        "put that one back, or give this one a version of its own",
                        file=file,
                    )
                )
        try:
            measured = measure(Path(prompt.path))
        except PromptError as error:
            return ChangedRecording(error.text)
        digest = recording_digest({file.suffix[1:]: sha256 for file, sha256 in hashes.items()})
        if served is not None and any(file.suffix[1:] not in served for file in hashes):
            if digest not in self._compared:
                self._compared[digest] = difference(prompt.path)
            if fault := self._compared[digest]:
                return ChangedRecording(fault)
            self._served.keep(controller, prompt, hashes)
        return replace(measured, recording=digest)


def difference(path: str) -> Text | None:
    """Return the fault of a prompt that has no sound, or whose formats are not one sound; `None` without
    one."""
    files = installed(path)
    if not files:
        return None
    from .comparison import is_silent, other_sounds  # not for a script that has nothing to compare

    try:
        if is_silent(files[0]):
            return Text(
                "{file} has no sound, and who hears nothing is told nothing", "record it again", file=files[0]
            )
        differing = other_sounds(files)
    except (OSError, EOFError, wave.Error) as error:
        return Text("{file} cannot be compared ({why})", file=path, why=Foreign(str(error)))
    if not differing:
        return None
    return Text(
        "{file} is not the same sound as {other}",
        "delete the one that is wrong, and type: informativa prompts install",
        file=differing[0],
        other=files[0],
    )


class LoadedRecordings(ServedRecordings):
    """The SHA-256 that each sound file must have, by company, at the time when a service loaded them."""

    def __init__(self, files: Mapping[str, Mapping[str, str]]) -> None:
        self._files = dict(files)

    def of(self, controller: str, prompt: Prompt, hashes: Hashes) -> Mapping[str, set[str]]:
        """Implement the port."""
        files = self._files.get(controller, {})
        return {file.suffix[1:]: {files[str(file)]} for file in hashes if str(file) in files}

    def keep(self, controller: str, prompt: Prompt, hashes: Hashes) -> None:
        """Remember them in memory. The next load puts them on record."""
        new = {str(file): sha256 for file, sha256 in hashes.items()}
        self._files[controller] = {**new, **self._files.get(controller, {})}


class RecordingLedger(Protocol):
    """A ledger that knows the sound files that it was served with. Raises LedgerError."""

    def recordings(self) -> Mapping[tuple[str, ...], str]:
        """Return the SHA-256 of each recording, by its key."""

    def keep_recordings(self, recordings: Iterable[Recording]) -> None:
        """Remember each recording that was not served before."""


class LedgerRecordings(ServedRecordings):
    """Recordings from ledgers, for a process of one call. A ledger that cannot be used knows nothing."""

    def __init__(
        self, notices: Mapping[str, Sequence[Notice]], ledgers: Mapping[str, RecordingLedger]
    ) -> None:
        self._notices, self._ledgers = notices, dict(ledgers)

    def of(self, controller: str, prompt: Prompt, hashes: Hashes) -> Mapping[str, set[str]] | None:
        """Implement the port."""
        try:
            served = self._ledgers[controller].recordings()
        except KeyError:
            return None
        except LedgerError:
            del self._ledgers[controller]  # the caller waits for this ledger only once
            return None
        hashes_by_format: dict[str, set[str]] = {}
        for recording in self._recordings(controller, prompt, hashes):
            if sha256 := served.get(recording.key):
                hashes_by_format.setdefault(recording.key[-1], set()).add(sha256)
        return hashes_by_format

    def keep(self, controller: str, prompt: Prompt, hashes: Hashes) -> None:
        """Store them in the ledger, if possible. Otherwise the formats are compared again in the next
        call."""
        with suppress(LedgerError):
            self._ledgers[controller].keep_recordings(self._recordings(controller, prompt, hashes))

    def _recordings(self, controller: str, prompt: Prompt, hashes: Hashes) -> list[Recording]:
        return [
            Recording((*key, file.suffix[1:]), str(file), sha256)
            for notice in self._notices[controller]
            for key, recorded in prompts_of(notice)
            if recorded.path == prompt.path
            for file, sha256 in hashes.items()
        ]
