"""All documents, each under the command that prints it. A command that runs loads its own alone."""

from __future__ import annotations

from ...operations import (
    access_log,
    accounts,
    callers,
    config_upgrade,
    controller_state,
    dialplan_install,
    explain,
    importing,
    keys,
    problems,
    record_document,
    restoring,
    retention,
)
from ...operations.boxes import Boxes, BoxesRetired, Joined, SchemasMigrated
from ...operations.check import Checked
from ...operations.doctor.examination import Examination
from ...operations.prompts import installing, making, showing
from ...operations.status import StatusReport
from ...operations.support.bundle import SupportBundle
from ...operations.upgrade_check import UpgradeCheck
from .audit import Audits
from .bundle import Bundle
from .evidence import (
    Checkpoints,
    LogKeys,
    Verification,
    WrittenReceipts,
)
from .publishing import Publications
from .shapes import SCHEMA, Document, Seconds, Shape, Time
from .test_call import CallResult, Moment, TestCall
from .witness import Witness

__all__ = [
    "DOCUMENTS",
    "SCHEMA",
    "Audits",
    "Bundle",
    "CallResult",
    "Checkpoints",
    "Document",
    "Examination",
    "Joined",
    "LogKeys",
    "Moment",
    "Publications",
    "SchemasMigrated",
    "Seconds",
    "Shape",
    "StatusReport",
    "SupportBundle",
    "TestCall",
    "Time",
    "Verification",
    "Witness",
    "WrittenReceipts",
]

DOCUMENTS: dict[str, type] = {
    "ledger show": record_document.Records,
    "tail": record_document.RecordLine,
    "status": StatusReport,
    "caller show": callers.Access,
    "caller erase": callers.Erasure,
    "record": callers.Recorded,
    "purge": retention.Purge,
    "import": importing.Import,
    "check": Checked,
    "config upgrade": config_upgrade.ConfigUpgraded,
    "doctor": Examination,
    "upgrade-check": UpgradeCheck,
    "support-bundle": SupportBundle,
    "controllers": controller_state.Controllers,
    "keys make": keys.NewSecret,
    "keys rotate": keys.Rotation,
    "prompts build": making.PromptsMade,
    "prompts add": making.PromptsMade,
    "prompts play": showing.Prompts,
    "prompts install": installing.PromptsInstalled,
    "explain": explain.Explanation,
    "test-call": TestCall,
    "dialplan install": dialplan_install.DialplanInstalled,
    "dialplan uninstall": dialplan_install.DialplanUninstalled,
    "evidence key": LogKeys,
    "evidence checkpoint": Checkpoints,
    "evidence receipt": WrittenReceipts,
    "evidence verify": Verification,
    "evidence audit": Audits,
    "evidence publish": Publications,
    "evidence bundle": Bundle,
    "witness key": Witness,
    "ledger adopt": restoring.AdoptedLedger,
    "ledger restore": restoring.RestoredLedger,
    "shared migrate": SchemasMigrated,
    "shared status": Boxes,
    "boxes": Boxes,
    "boxes retire": BoxesRetired,
    "join": Joined,
    "web invite": accounts.Invited,
    "web accounts": accounts.Accounts,
    "web grant": accounts.Account,
    "web remove": accounts.AccountRemoved,
    "web log": access_log.AccessEntries,
    "any command that fails": problems.Failure,
}
"""What each command prints with --json."""
