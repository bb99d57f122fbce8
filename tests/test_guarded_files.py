"""Sound files that lie on a network folder: a call waits for none of them longer than its bound (I10)."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from informativa.ledgers.opening import LedgerOpener
from informativa.model import ChangedRecording, Prompt
from informativa.model.errors import LedgerError
from informativa.process.bootstrap import RefusedLedger
from informativa.prompts.guarded import GuardedFiles
from informativa.prompts.installed import measure
from informativa.prompts.mounts import remote_devices
from informativa.prompts.recordings import InstalledRecordings, LoadedRecordings, PromptKey, PromptLook
from lab import audio

PROMPT = Prompt("/prompts/it/short", ())
SHORT, FULL = PromptKey("acme", "/prompts/it/short"), PromptKey("acme", "/prompts/it/full")
OTHERS = PromptKey("borealis", "/prompts/de/short")


class Stalled:
    """A folder whose reads end when the test says so."""

    def __init__(self) -> None:
        self.over, self.looks = threading.Event(), 0

    def look(self) -> PromptLook:
        """Read it."""
        self.looks += 1
        self.over.wait(60)
        return PROMPT


def test_i10_folder_that_stalls_holds_no_call_of_another_company() -> None:
    """Three calls for one prompt wait for one read, and 0.2 s; the next for that folder does not wait at all;
    another company's is answered; once the folder answers, so are its own."""

    async def story() -> None:
        files, folder = GuardedFiles(0.2), Stalled()
        refused = await asyncio.gather(*(files.look(SHORT, folder.look) for _call in range(3)))
        assert all(isinstance(one, ChangedRecording) for one in refused)
        assert str(refused[0].why).startswith("/prompts/it cannot be read within 0 s; look at the disk")
        assert isinstance(await files.look(FULL, folder.look), ChangedRecording)
        assert folder.looks == 1
        assert await files.look(OTHERS, lambda: PROMPT) is PROMPT
        folder.over.set()
        while isinstance(await files.look(SHORT, lambda: PROMPT), ChangedRecording):
            await asyncio.sleep(0.01)
        assert await files.look(FULL, lambda: PROMPT) is PROMPT

    asyncio.run(story())


def test_many_first_calls_share_one_look() -> None:
    """Five hundred at once: the files are read once, and all are answered."""

    async def story() -> None:
        files, looks = GuardedFiles(30), list[int]()

        def look() -> PromptLook:
            looks.append(1)
            return PROMPT

        answers = await asyncio.gather(*(files.look(SHORT, look) for _call in range(500)))
        assert answers == [PROMPT] * 500
        assert len(looks) == 1

    asyncio.run(story())


def test_defect_of_a_look_comes_to_the_call() -> None:
    """It is not taken for a stalled folder."""

    async def story() -> None:
        with pytest.raises(ZeroDivisionError):
            await GuardedFiles(30).look(SHORT, lambda: 1 // 0)

    asyncio.run(story())


def test_files_of_a_remote_file_system_are_never_looked_at_in_the_loop(tmp_path: Path) -> None:
    """On a disk what was seen is looked at in place, with no thread; on a remote one each look is beside."""
    audio.write_wav(tmp_path / "short.wav", audio.synthetic(0.5, 1))
    prompt = measure(tmp_path / "short")
    for remote, looks in (([], 1), ([tmp_path.stat().st_dev], 3)):
        beside = list[PromptKey]()

        async def look(place: PromptKey, work: object, places: list[PromptKey] = beside) -> PromptLook:
            places.append(place)
            return work()

        recordings = InstalledRecordings(LoadedRecordings({}), look, -3600.0, lambda devices=remote: devices)
        for _call in range(3):
            assert isinstance(asyncio.run(recordings.current("acme", prompt)), Prompt)
        assert len(beside) == looks


def test_remote_file_systems_are_known_by_their_kind(tmp_path: Path) -> None:
    """The table of proc(5): NFS, CIFS and FUSE are, ext4 and tmpfs are not; without a table none is."""
    table = tmp_path / "mountinfo"
    table.write_text(
        "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext4 /dev/root rw,errors=continue\n"
        "37 35 0:45 / /srv/prompts rw shared:7 - nfs4 server:/prompts rw\n"
        "38 35 0:46 / /home/x/it rw - fuse.sshfs x@y: rw\n"
        "39 35 0:47 / /tmp rw - tmpfs tmpfs rw\n"
        "40 35 0:48 / /win rw - cifs //server/share rw\n"
    )
    assert remote_devices(table) == {os.makedev(0, 45), os.makedev(0, 46), os.makedev(0, 48)}
    assert remote_devices(tmp_path / "none") == set()
    assert Path("/").stat().st_dev not in remote_devices()


def test_i10_ledger_whose_folder_stalls_is_given_up_and_opened_once() -> None:
    """0.1 s are waited, and none while it hangs; opened late it is closed, and tried again then."""
    opener, over, closed, tries = LedgerOpener(0.1), threading.Event(), threading.Event(), list[int]()

    class Late(RefusedLedger):
        """One that tells when it is closed."""

        def close(self) -> None:
            closed.set()

    late = Late(LedgerError("none"))

    def opened() -> RefusedLedger:
        tries.append(1)
        over.wait(60)
        return late

    for _try in range(3):
        with pytest.raises(
            LedgerError, match=r"The ledger /a cannot be opened within 0 s\. Look at the disk"
        ):
            opener.open("/a", opened)
    assert len(tries) == 1
    assert opener.open("/b", lambda: late) is late
    over.set()
    assert closed.wait(60)
    assert opener.open("/a", opened) is late
