"""The page on JSON and the JSON Schema files, made from the classes of the results: `make docs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ..operations import (
    access_log,
    callers,
    check,
    config_upgrade,
    consent_export,
    consent_import,
    consents,
    controller_state,
    dialplan_install,
    explain,
    forecast_document,
    hooks,
    importing,
    keys,
    problems,
    record_document,
    reload,
    report_document,
    request_answers,
    request_register,
    restoring,
    retention,
    rollback_plan,
    status,
    test_call,
)
from ..operations.accounts import management as accounts
from ..operations.backup import listing, recovery
from ..operations.backup import making as backup_making
from ..operations.doctor import examination, mending
from ..operations.evidence.approver_key import ApproverKey
from ..operations.evidence.approving import WrittenApproval
from ..operations.evidence.auditing import Audits
from ..operations.evidence.bundle_content import Bundle
from ..operations.evidence.comparison_document import CallComparison
from ..operations.evidence.logs import Checkpoints, LogKeys
from ..operations.evidence.monitor_findings import MonitorFinding
from ..operations.evidence.noted_approvals import NotedApprovals
from ..operations.evidence.publishing import Publications
from ..operations.evidence.receipt_files import WrittenReceipts
from ..operations.evidence.verifying import Verification
from ..operations.evidence.witness import Witness
from ..operations.packages.request import AddedNotice
from ..operations.prompts import installing, making, showing
from ..operations.setup.report import SetupReport
from ..operations.support import bundle as support
from ..views.documents import SCHEMA, json_schema

_FAILURE = "any command that fails"

DOCUMENTS: dict[str, type] = {
    "ledger show": record_document.Records,
    "tail": record_document.RecordLine,
    "status": status.StatusReport,
    "caller show": callers.Access,
    "caller erase": callers.Erasure,
    "record": callers.Recorded,
    "report": report_document.MonthlyReport,
    "request open": request_register.ListedRequest,
    "request list": request_register.RequestList,
    "request show": request_register.ListedRequest,
    "request identify": request_register.ListedRequest,
    "request assign": request_register.ListedRequest,
    "request extend": request_register.ListedRequest,
    "request close": request_register.ListedRequest,
    "request letter": request_answers.RequestAnswer,
    "request erase": request_answers.RequestErasure,
    "purge": retention.Purge,
    "backup make": backup_making.MadeBackup,
    "backup list": listing.BackupList,
    "backup verify": listing.VerifiedBackup,
    "restore": recovery.RestoredBackup,
    "import": importing.Import,
    "import, without --yes": importing.ImportPreview,
    "consent record": consents.ConsentRecorded,
    "consent withdraw": consents.ConsentRecorded,
    "consent show": consents.ConsentsShown,
    "consent export": consent_export.ConsentRow,
    "consent import": consent_import.ConsentImport,
    "consent hook": hooks.HookReport,
    "check": check.Checked,
    "config diff": forecast_document.Forecast,
    "reload": reload.Reload,
    "config upgrade": config_upgrade.ConfigUpgraded,
    "doctor": examination.Examination,
    "doctor --fix": mending.Mending,
    "upgrade-check": examination.UpgradeCheck,
    "rollback": rollback_plan.Rollback,
    "support-bundle": support.SupportBundle,
    "controllers": controller_state.Controllers,
    "keys make": keys.NewSecret,
    "keys rotate": keys.Rotation,
    "prompts build": making.PromptsMade,
    "prompts add": making.PromptsMade,
    "prompts play": showing.Prompts,
    "prompts install": installing.PromptsInstalled,
    "notices add": AddedNotice,
    "explain": explain.Explanation,
    "test-call": test_call.TestCall,
    "setup": SetupReport,
    "dialplan install": dialplan_install.DialplanInstalled,
    "dialplan uninstall": dialplan_install.DialplanUninstalled,
    "evidence key": LogKeys,
    "evidence checkpoint": Checkpoints,
    "evidence receipt": WrittenReceipts,
    "evidence verify": Verification,
    "evidence audit": Audits,
    "evidence publish": Publications,
    "evidence compare": CallComparison,
    "evidence bundle": Bundle,
    "evidence approver-key": ApproverKey,
    "evidence approve": WrittenApproval,
    "evidence approval": NotedApprovals,
    "witness key": Witness,
    "monitor": MonitorFinding,
    "ledger restore": restoring.RestoredLedger,
    "web invite": accounts.Invited,
    "web accounts": accounts.Accounts,
    "web grant": accounts.Account,
    "web remove": accounts.AccountRemoved,
    "web log": access_log.AccessEntries,
    _FAILURE: problems.Failure,
}
"""The document that each command prints with --json."""

_PAGE = """\
# What programs read

Made from the program by `make docs`; not to be edited. Every command with `--json` prints one document,
`tail`, `monitor` and `consent export` one on each line. `schema` is the version of all documents, {version}
now: what a name means never changes under one version, and new names may come. Every name is always there,
and `null` where there is nothing to say. Times are ISO 8601 with their offset, several of something are a
list, texts are English.
[schemas/](schemas) has the same as JSON Schema (2020-12). Each document and each noun is a class of the
program, in the module that its section names.
"""


def page() -> str:
    """`docs/json.md`."""
    lines = [_PAGE.format(version=SCHEMA)]
    definitions: dict[str, Any] = {}
    classes: dict[str, type] = {}
    for command, kind in DOCUMENTS.items():
        schema = json_schema(kind)
        # A command's heading is no noun's: `status` and `Status` would be one anchor.
        heading = _FAILURE.capitalize() if command == _FAILURE else f"`informativa {command}`"
        lines.append(f"## {heading}\n\n{_described(schema)} {_source(kind)}\n\n{_table(schema)}")
        definitions = schema.get("$defs", {}) | definitions
        _collect_classes(kind, classes)
    lines.append("# Nouns\n\nWhat documents are made of.\n")
    for name, schema in sorted(definitions.items()):
        body = _table(schema) if "properties" in schema else _words(schema)
        lines.append(f"## {name}\n\n{_described(schema)} {_source(classes[name])}\n\n{body}")
    return "\n".join(lines)


def schemas() -> Iterator[tuple[str, str]]:
    """Each JSON Schema file: its name and its text."""
    for kind in dict.fromkeys(DOCUMENTS.values()):
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **json_schema(kind)}
        yield f"{kind.__name__}.json", json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _collect_classes(kind: Any, classes: dict[str, type]) -> None:
    """Add a class and those of its fields, of their fields and so on, by name."""
    if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, Enum)):
        if kind.__name__ in classes:
            return
        classes[kind.__name__] = kind
    parts = get_type_hints(kind).values() if is_dataclass(kind) else get_args(kind)
    for part in parts:
        _collect_classes(part, classes)


def _source(kind: type) -> str:
    """Return the module of a class as a link, from `docs/`."""
    module = f"{kind.__module__.partition('.')[2].replace('.', '/')}.py"
    return f"([{module}](../agi/informativa/{module}))"


def _described(schema: dict[str, Any]) -> str:
    return " ".join(schema.get("description", "").split())


def _table(schema: dict[str, Any]) -> str:
    rows = [
        f"| `{name}` | {_kind(part)} | {_described(part)} |" for name, part in schema["properties"].items()
    ]
    return "\n".join(["| Name | Kind | What it is |", "|---|---|---|", *rows, ""])


def _words(schema: dict[str, Any]) -> str:
    return ", ".join(f"`{word}`" for word in schema["enum"]) + "\n"


def _kind(schema: dict[str, Any]) -> str:
    """In a word or two: `text`, `number or null`, `list of Record`."""
    if "anyOf" in schema:
        return " or ".join(_kind(alternative) for alternative in schema["anyOf"])
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])} by name"
    kind = str(schema.get("type", "anything"))
    return {"string": "text", "integer": "whole number"}.get(kind, kind)


def main(arguments: Sequence[str]) -> None:
    """Write the page and the schemas into a folder."""
    folder = Path(arguments[0])
    (folder / "json.md").write_text(page(), encoding="utf-8")
    (folder / "schemas").mkdir(exist_ok=True)
    files = dict(schemas())
    for file in (folder / "schemas").glob("*.json"):
        if file.name not in files:
            file.unlink()
    for name, text in files.items():
        (folder / "schemas" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
