"""The page of a receipt: beside the proof the company, the local time, and the recording that was played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from ...evidence.checkpoint import Checkpoint
from ...evidence.cosignature import cosigned_at
from ...evidence.ed25519 import SIGNATURE_SIZE
from ...evidence.note import Note, Signature, parse
from ...evidence.receipt import Receipt
from ...model import recording_digest
from ...prompts.installed import installed
from ...system import shipped
from ...system.files import read_foreign
from .receipt_maker import RecordReceipt

PLAYABLE = ("wav", "wav16")  # Asterisk's formats that browsers play
LARGEST_SOUND = 16 << 20  # bytes; a WAV file of a quarter of an hour
_LARGEST_TEXT = 100_000  # bytes
_COSIGNED = 8 + SIGNATURE_SIZE  # bytes of a witness's signature with its time


@dataclass(frozen=True)
class PlayedSound:
    """A recording as its files are now."""

    files: Mapping[str, str]
    """SHA-256 in hexadecimal by format: of the formats that the record names if `same`, else of all."""
    same: bool
    """`True` if the record names these files."""
    form: str = ""
    """The format of `data`; '' if no browser plays any."""
    data: bytes = field(default=b"", repr=False)
    """The sound in a format that a browser plays."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of `data`."""
        return self.files.get(self.form, "")


@dataclass(frozen=True)
class ClaimedCosignature:
    """A further signature of the checkpoint, by its claimed name and time; nothing is verified."""

    name: str
    at: datetime | None


@dataclass(frozen=True)
class ReceiptPage:
    """The content of the page of one receipt. `company`, `names` and `zone` come from the configuration and
    are not proven."""

    name: str
    """The name of the receipt's file, without the extension."""
    company: str
    names: Mapping[str, Mapping[str, str]]
    zone: tzinfo
    receipt: Receipt
    checkpoint: Checkpoint
    key: str
    cosignatures: tuple[ClaimedCosignature, ...]
    text: str
    """The words in the text file beside the recording; '' if there are none."""
    sound: PlayedSound | None
    """The recording; `None` if its files are gone, or nothing was played."""


def receipt_page(record_receipt: RecordReceipt) -> ReceiptPage:
    """Build the page of a receipt. Raises EvidenceFormatError if its checkpoint cannot be read."""
    receipt, controller = record_receipt.receipt, record_receipt.controller
    note = parse(receipt.proof.checkpoint)
    sound = played_sound(str(receipt.facts.get("prompt", "")), str(receipt.facts.get("recording", "")))
    key = record_receipt.key
    return ReceiptPage(
        name=record_receipt.name,
        company=controller.name,
        names=controller.names,
        zone=controller.zone,
        receipt=receipt,
        checkpoint=Checkpoint.parse(note.text),
        key=str(key),
        cosignatures=claimed_cosignatures(note, key.name, key.key_id.hex()),
        text=words_of(str(receipt.facts.get("prompt", "")), sound.files) if sound else "",
        sound=sound,
    )


def claimed_cosignatures(note: Note, name: str, key_id: str) -> tuple[ClaimedCosignature, ...]:
    """Return the further signatures of a checkpoint, beside those of the log's key of that name and id, which
    is in hexadecimal."""
    others = (
        signature
        for signature in note.signatures
        if (signature.name, signature.key_id.hex()) != (name, key_id)
    )
    return tuple(map(_claimed_cosignature, others))


def _claimed_cosignature(signature: Signature) -> ClaimedCosignature:
    """Return a signature's claims; the time stands at the beginning of a witness's signature."""
    try:
        at = datetime.fromtimestamp(cosigned_at(signature), UTC) if len(signature.data) == _COSIGNED else None
    except (OverflowError, ValueError, OSError):
        at = None
    return ClaimedCosignature(signature.name, at)


def played_sound(prompt: str, recording: str) -> PlayedSound | None:
    """Read the recording at that path; `None` if there is none. Formats may have been added since, so any
    subset of them may be the one that the record names."""
    contents = {
        file.suffix[1:]: read_whole(file, LARGEST_SOUND) for file in (installed(prompt) if prompt else ())
    }
    sounds = {form: data for form, data in contents.items() if data}
    if not sounds:
        return None
    hashes = {form: sha256(data).hexdigest() for form, data in sounds.items()}
    same_files = formats_named(hashes, recording)
    files = same_files or hashes
    form = next((playable for playable in PLAYABLE if playable in files), "")
    return PlayedSound(files, bool(same_files), form, sounds.get(form, b""))


def formats_named(hashes: Mapping[str, str], recording: str) -> Mapping[str, str]:
    """Return the subset of the formats that has the record's digest `recording`; empty if there is none."""
    for count in range(len(hashes), 0, -1):
        for forms in combinations(hashes, count):
            files = {form: hashes[form] for form in forms}
            if recording_digest(files) == recording:
                return files
    return {}


def words_of(prompt: str, files: Mapping[str, str]) -> str:
    """Return the text in the file beside a recording, else the words of the same shipped recording; '' if
    there are none."""
    text_file = read_whole(Path(f"{prompt}.txt"), _LARGEST_TEXT)
    if text_file:
        return text_file.decode("utf-8", "replace").strip()
    return next((text for sha256, text in shipped.spoken_words().items() if sha256 in files.values()), "")


def read_whole(file: Path, largest: int) -> bytes | None:
    """Return a file's content; `None` if it cannot be read, or has more than `largest` bytes."""
    try:
        data = read_foreign(file.resolve(), largest + 1)
    except OSError:
        return None
    return data if data is not None and len(data) <= largest else None
