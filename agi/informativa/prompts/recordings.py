"""Which sound a prompt has at the moment of a call, held against the one that was found in order.

A record says that a caller heard a text, so a file that was exchanged since is not played: of silence of the
same length Asterisk reports what it reports of the notice. To see that nothing changed costs some
microseconds; what changed is read again, and may be the same after all, or one format more of the same sound.
"""

from __future__ import annotations

import time
import wave
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

from ..errors import LedgerError, PromptError
from ..model import ChangedRecording, Notice, Prompt, Recording, recording_digest
from ..ports import Recordings
from ..text import Foreign, Text
from .installed import hashed, installed, mark, marks, measure, placed, rivals
from .mounts import remote_devices

SETTLED_SECONDS = 2.0  # a file that was written so shortly ago may be written again within the same timestamp
LOOKS = 3  # at files that change while they are read

Hashes = Mapping[Path, str]
Outcome = Prompt | ChangedRecording
Look = Callable[[], Outcome]


class Place(NamedTuple):
    """A prompt by its path, and whose it is."""

    controller: str
    path: str

    @property
    def folder(self) -> str:
        """The folder of its files."""
        return self.path.rpartition("/")[0]


Beside = Callable[[Place, Look], Awaitable[Outcome]]
"""Looks at the files of one prompt beside the calls for others; one look at a time."""


class ServedRecordings(Protocol):
    """What callers of one controller were served before."""

    def of(self, controller: str, prompt: Prompt, found: Hashes) -> Mapping[str, set[str]] | None:
        """By format, the SHA-256 that a prompt's file should have, one for each version that has it;
        `None` where nobody knows."""

    def keep(self, controller: str, prompt: Prompt, found: Hashes) -> None:
        """Remember what is served now."""


class InstalledRecordings(Recordings):
    """The `Recordings` of this machine. `beside` does what takes its time, so that other calls go on."""

    def __init__(
        self,
        served: ServedRecordings,
        beside: Beside,
        settled: float = SETTLED_SECONDS,
        remote: Callable[[], Container[int]] = remote_devices,
    ) -> None:
        self._served, self._beside, self._settled, self._remote = served, beside, settled, remote
        self._seen: dict[Place, tuple[Mapping[str, tuple[int, ...]], Outcome]] = {}
        self._distant: set[Place] = set()  # of these, that lie where even to look at a mark may not end
        self._compared: dict[str, Text | None] = {}  # by digest, what is wrong with formats that came later

    async def current(self, controller: str, prompt: Prompt) -> Prompt | ChangedRecording:
        """As the port says."""
        place = Place(controller, prompt.path)
        if place not in self._distant and (known := self._remembered(place)):
            return known
        return await self._beside(place, lambda: self._looked(place, prompt))

    def _remembered(self, place: Place) -> Outcome | None:
        """What was found, if nothing changed since."""
        if (seen := self._seen.get(place)) is None:
            return None
        try:
            for file, known in seen[0].items():
                if mark(file) != known:
                    return None
        except OSError:
            return None
        return seen[1]

    def _looked(self, place: Place, prompt: Prompt) -> Outcome:
        if found := self._remembered(place):
            return found
        for _again in range(LOOKS):
            try:
                began, before = time.time(), marks(prompt.path)
                found = self._look(place.controller, prompt)
                after = marks(prompt.path)
            except FileNotFoundError:
                found, before, after = prompt, {}, None  # the folder is gone, or a file just now
                continue
            except OSError as error:
                why = Foreign(error.strerror or "")
                said = Text("{file} cannot be read ({why})", "run this as a user who may")
                return ChangedRecording(said.format(file=error.filename or prompt.path, why=why))
            if before == after:
                if began - max(each[-1] for each in before.values()) / 1e9 > self._settled:
                    remote = self._remote()
                    if any(each[0] in remote for each in before.values()):
                        self._distant.add(place)
                    self._seen[place] = before, found
                return found
        if after is None:
            return prompt
        return ChangedRecording(Text("{file} is being written", "wait for the end", file=prompt.path))

    def _look(self, controller: str, prompt: Prompt) -> Outcome:
        files = installed(prompt.path)
        if not (files or rivals(prompt.path)):
            return prompt
        found = hashed(prompt.path)
        known = self._served.of(controller, prompt, found)
        for file, sha256 in found.items():
            if known is not None and known.get(file.suffix[1:], {sha256}) != {sha256}:
                return ChangedRecording(
                    Text(
                        "{file} is not the recording any more that its version was first served with",
                        "put that one back, or give this one a version of its own",
                        file=file,
                    )
                )
        try:
            now = measure(Path(prompt.path))
        except PromptError as error:
            return ChangedRecording(error.text)
        digest = recording_digest({file.suffix[1:]: sha256 for file, sha256 in found.items()})
        if known is not None and any(file.suffix[1:] not in known for file in found):
            if digest not in self._compared:
                self._compared[digest] = difference(prompt.path)
            if wrong := self._compared[digest]:
                return ChangedRecording(wrong)
            self._served.keep(controller, prompt, found)
        return replace(now, recording=digest)


def difference(path: str) -> Text | None:
    """What is wrong with a prompt that has no sound, or whose formats are not one sound, if so."""
    files = installed(path)
    if not files:
        return None
    from .comparison import odd, silent  # not for a script that has nothing to compare

    try:
        if silent(files[0]):
            return Text(
                "{file} has no sound, and who hears nothing is told nothing", "record it again", file=files[0]
            )
        others = odd(files)
    except (OSError, EOFError, wave.Error) as error:
        return Text("{file} cannot be compared ({why})", file=path, why=Foreign(str(error)))
    if not others:
        return None
    return Text(
        "{file} is not the same sound as {other}",
        "delete the one that is wrong, and type: informativa prompts install",
        file=others[0],
        other=files[0],
    )


class LoadedRecordings(ServedRecordings):
    """The SHA-256 that each sound file must have, by company, as of when a service loaded them."""

    def __init__(self, files: Mapping[str, Mapping[str, str]]) -> None:
        self._files = dict(files)

    def of(self, controller: str, prompt: Prompt, found: Hashes) -> Mapping[str, set[str]]:
        """As the port says."""
        files = self._files.get(controller, {})
        return {file.suffix[1:]: {files[str(file)]} for file in found if str(file) in files}

    def keep(self, controller: str, prompt: Prompt, found: Hashes) -> None:
        """In memory: the next load puts it on record."""
        new = {str(file): sha256 for file, sha256 in found.items()}
        self._files[controller] = {**new, **self._files.get(controller, {})}


class RecordingLedger(Protocol):
    """A ledger that knows which sound files it was served with. Raises LedgerError."""

    def recordings(self) -> Mapping[tuple[str, ...], str]:
        """The SHA-256 of each, by where it stands."""

    def keep(self, recordings: Iterable[Recording]) -> None:
        """Remember each that was not served before."""


class RecordedRecordings(ServedRecordings):
    """What ledgers know, for a process of one call. A ledger that cannot be used knows nothing."""

    def __init__(
        self, notices: Mapping[str, Sequence[Notice]], ledgers: Mapping[str, RecordingLedger]
    ) -> None:
        self._notices, self._ledgers = notices, dict(ledgers)

    def of(self, controller: str, prompt: Prompt, found: Hashes) -> Mapping[str, set[str]] | None:
        """As the port says."""
        try:
            served = self._ledgers[controller].recordings()
        except KeyError:
            return None
        except LedgerError:
            del self._ledgers[controller]  # the caller waits for it once
            return None
        known: dict[str, set[str]] = {}
        for one in self._recordings(controller, prompt, found):
            if sha256 := served.get(one.key):
                known.setdefault(one.key[-1], set()).add(sha256)
        return known

    def keep(self, controller: str, prompt: Prompt, found: Hashes) -> None:
        """In the ledger, if that can be: otherwise it is compared again in the next call."""
        with suppress(LedgerError):
            self._ledgers[controller].keep(self._recordings(controller, prompt, found))

    def _recordings(self, controller: str, prompt: Prompt, found: Hashes) -> list[Recording]:
        return [
            Recording((*key, file.suffix[1:]), str(file), sha256)
            for notice in self._notices[controller]
            for key, one in placed(notice)
            if one.path == prompt.path
            for file, sha256 in found.items()
        ]
