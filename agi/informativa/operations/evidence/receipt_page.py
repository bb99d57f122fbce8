"""What a receipt shows to people beside its proof: by whom, at which time of the day, what was played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from ... import shipped
from ...evidence.checkpoint import Checkpoint
from ...evidence.cosignature import cosigned_at
from ...evidence.ed25519 import SIGNATURE_SIZE
from ...evidence.note import Signature, parse
from ...evidence.receipt import Receipt
from ...files import read_foreign
from ...model import recording_digest
from ...prompts.installed import installed
from .receipt_maker import MadeReceipt

PLAYABLE = ("wav", "wav16")  # what browsers play of that which Asterisk plays
LARGEST_SOUND = 16 << 20  # bytes; a WAV file of a quarter of an hour
_LARGEST_TEXT = 100_000  # bytes
_COSIGNED = 8 + SIGNATURE_SIZE  # bytes, of a witness's signature with its time


@dataclass(frozen=True)
class PlayedSound:
    """A recording as it lies there now. `files` is each format with its SHA-256 in hexadecimal: where `same`,
    just those that the record names, otherwise all. `data` is one that a browser plays, in `form`; nothing
    where there is none."""

    files: Mapping[str, str]
    same: bool
    form: str = ""
    data: bytes = field(default=b"", repr=False)

    @property
    def sha256(self) -> str:
        """Of the one that a browser plays."""
        return self.files.get(self.form, "")


@dataclass(frozen=True)
class ClaimedCosignature:
    """Whoever is said to have signed the checkpoint beside its log, and when; nothing is verified."""

    name: str
    at: datetime | None


@dataclass(frozen=True)
class ReceiptPage:
    """All that the page of one receipt shows. `name` is that of its file, without what follows the point;
    `company`, `names` and `zone` are the controller's, which no proof says. `text` is what is kept beside the
    recording as its words, '' where nothing is; `sound` is `None` where no file is there any more, or none
    was played."""

    name: str
    company: str
    names: Mapping[str, Mapping[str, str]]
    zone: tzinfo
    receipt: Receipt
    checkpoint: Checkpoint
    key: str
    cosignatures: tuple[ClaimedCosignature, ...]
    text: str
    sound: PlayedSound | None


def receipt_page(made: MadeReceipt) -> ReceiptPage:
    """What is to be shown of a receipt. Raises EvidenceFormatError where its checkpoint is none."""
    receipt, controller = made.receipt, made.controller
    note = parse(receipt.proof.checkpoint)
    sound = played_sound(str(receipt.facts.get("prompt", "")), str(receipt.facts.get("recording", "")))
    own = (made.key.name, made.key.key_id)
    others = (each for each in note.signatures if (each.name, each.key_id) != own)
    return ReceiptPage(
        name=made.name,
        company=controller.name,
        names=controller.names,
        zone=controller.zone,
        receipt=receipt,
        checkpoint=Checkpoint.parse(note.text),
        key=str(made.key),
        cosignatures=tuple(_claimed(each) for each in others),
        text=words_of(str(receipt.facts.get("prompt", "")), sound.files) if sound else "",
        sound=sound,
    )


def _claimed(signature: Signature) -> ClaimedCosignature:
    """With the time that a witness's signature begins with."""
    try:
        at = datetime.fromtimestamp(cosigned_at(signature), UTC) if len(signature.data) == _COSIGNED else None
    except (OverflowError, ValueError, OSError):
        at = None
    return ClaimedCosignature(signature.name, at)


def played_sound(prompt: str, recording: str) -> PlayedSound | None:
    """The recording of that path. Formats may have been added since, so any of them may be those that the
    record names."""
    read = {
        file.suffix[1:]: read_whole(file, LARGEST_SOUND) for file in (installed(prompt) if prompt else ())
    }
    there = {form: data for form, data in read.items() if data}
    if not there:
        return None
    hashes = {form: sha256(data).hexdigest() for form, data in there.items()}
    named = formats_named(hashes, recording)
    files = named or hashes
    form = next((each for each in PLAYABLE if each in files), "")
    return PlayedSound(files, bool(named), form, there.get(form, b""))


def formats_named(hashes: Mapping[str, str], recording: str) -> Mapping[str, str]:
    """Those of the formats of which the record has the digest; nothing where there are none such."""
    for count in range(len(hashes), 0, -1):
        for forms in combinations(hashes, count):
            files = {form: hashes[form] for form in forms}
            if recording_digest(files) == recording:
                return files
    return {}


def words_of(prompt: str, files: Mapping[str, str]) -> str:
    """The text that lies beside a recording, or that of the same recording among those shipped, by its files;
    '' where there is none."""
    beside = read_whole(Path(f"{prompt}.txt"), _LARGEST_TEXT)
    if beside:
        return beside.decode("utf-8", "replace").strip()
    return next((text for sha256, text in shipped.spoken_words().items() if sha256 in files.values()), "")


def read_whole(file: Path, largest: int) -> bytes | None:
    """A file as it is; `None` where it is not there, or larger than anything that is shown."""
    try:
        data = read_foreign(file.resolve(), largest + 1)
    except OSError:
        return None
    return data if data is not None and len(data) <= largest else None
