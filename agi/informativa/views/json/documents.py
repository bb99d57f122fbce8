"""All documents, each under the command that prints it."""

from __future__ import annotations

from ...operations import (
    access_log,
    accounts,
    boxes,
    callers,
    check,
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
    status,
    test_call,
    upgrade_check,
)
from ...operations.doctor import examination
from ...operations.evidence.bundle import Bundle
from ...operations.evidence.logs import Audits, Checkpoints, LogKeys
from ...operations.evidence.publishing import Publications
from ...operations.evidence.receipt_files import WrittenReceipts
from ...operations.evidence.verifying import Verification
from ...operations.evidence.witness import Witness
from ...operations.prompts import installing, making, showing
from ...operations.support import bundle as support

DOCUMENTS: dict[str, type] = {
    "ledger show": record_document.Records,
    "tail": record_document.RecordLine,
    "status": status.StatusReport,
    "caller show": callers.Access,
    "caller erase": callers.Erasure,
    "record": callers.Recorded,
    "purge": retention.Purge,
    "import": importing.Import,
    "check": check.Checked,
    "config upgrade": config_upgrade.ConfigUpgraded,
    "doctor": examination.Examination,
    "upgrade-check": upgrade_check.UpgradeCheck,
    "support-bundle": support.SupportBundle,
    "controllers": controller_state.Controllers,
    "keys make": keys.NewSecret,
    "keys rotate": keys.Rotation,
    "prompts build": making.PromptsMade,
    "prompts add": making.PromptsMade,
    "prompts play": showing.Prompts,
    "prompts install": installing.PromptsInstalled,
    "explain": explain.Explanation,
    "test-call": test_call.TestCall,
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
    "shared migrate": boxes.SchemasMigrated,
    "shared status": boxes.Boxes,
    "boxes": boxes.Boxes,
    "boxes retire": boxes.BoxesRetired,
    "join": boxes.Joined,
    "web invite": accounts.Invited,
    "web accounts": accounts.Accounts,
    "web grant": accounts.Account,
    "web remove": accounts.AccountRemoved,
    "web log": access_log.AccessEntries,
    "any command that fails": problems.Failure,
}
"""What each command prints with --json."""
