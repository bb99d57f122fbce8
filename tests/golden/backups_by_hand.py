"""Results of commands about backups, whose sizes and digests depend on the machine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from golden.stopped_clock import TUESDAY
from informativa.evidence.elsewhere import longer_elsewhere
from informativa.model.text import Text
from informativa.operations.backup.listing import VerifiedBackup
from informativa.operations.backup.making import MadeBackup
from informativa.operations.backup.manifest import (
    BackupCompany,
    BackupFile,
    FilePart,
    LeftOutCompany,
    Manifest,
)
from informativa.operations.backup.recovery import RestoredBackup, RestoredCompany

_FOLDER = Path("/mnt/backups")
_FILE = _FOLDER / "informativa-2026-12-01T09-00-00Z.tar"
_ETC = Path("/etc/informativa")
_ACME = BackupCompany("acme", 1204, 1204, ("acme.example/informativa/acme/pbx-1/1",), ("9f86d081884c7d65",))
_LEFT_OUT = LeftOutCompany(
    "borealis", "The ledger /etc/informativa/ledger/borealis.sqlite3 cannot be used (disk I/O error)."
)
_EARLIER = _FOLDER / "informativa-2026-10-31T09-00-00Z.tar"
_OUTSIDE = Path("/var/lib/asterisk/sounds/acme.wav")
MADE = MadeBackup(
    _FILE, 17_346_560, TUESDAY, (_ACME,), (_LEFT_OUT,), (_OUTSIDE,), keys=False, deleted=(_EARLIER,)
)
VERIFIED = VerifiedBackup(
    _FILE,
    Manifest(
        format=1,
        program="0.2.0",
        made=TUESDAY,
        box="pbx-1",
        configuration="informativa.yaml",
        owner="asterisk",
        companies=(_ACME,),
        left_out=(_LEFT_OUT,),
        files=(
            BackupFile(
                "companies/acme/ledger.sqlite3", FilePart.LEDGER, "acme", "ledger.sqlite3", 940_032, "ab" * 32
            ),
            BackupFile("keys.age", FilePart.KEYS, None, "keys.age", 412, "cd" * 32),
        ),
    ),
)
PREVIEW = RestoredBackup(
    done=False,
    file=_FILE,
    made=TUESDAY,
    written=(_ETC / "informativa.yaml", _ETC / "prompts/it/short.wav"),
    aside=(_ETC / "informativa.yaml.before-2026-12-01T10-00-00",),
    unchanged=(_ETC / "keys/acme.key",),
    companies=(RestoredCompany("acme"),),
)
RESTORED = RestoredBackup(
    done=True,
    file=_FILE,
    made=TUESDAY,
    written=PREVIEW.written,
    aside=PREVIEW.aside,
    unchanged=PREVIEW.unchanged,
    companies=(
        RestoredCompany(
            "acme",
            1210,
            3,
            6,
            1,
            None,
            unknown_since=TUESDAY - timedelta(days=1),
            must_begin_log=True,
            signed_beyond=longer_elsewhere("home.example", 1215, 1207).message,
        ),
        RestoredCompany("borealis", problem=Text("The ledger {file} is open.", file="/etc/b.sqlite3")),
    ),
)
