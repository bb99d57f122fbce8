"""Changes to the program that no test notices: `python -m lab.mutants [MODULE…]`.

mutmut changes a function in one small way after the other and runs the module's tests; a change that all of
them survive is a behaviour that nobody checks. It works on a copy of the installed wheel in `.mutants/`, and
leaves alone what stands at module level, constants above all: literal numbers in tests hold those.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".mutants"
REQUIREMENTS = ROOT / "tests" / "mutants-requirements.txt"
EQUIVALENT = ROOT / "tests" / "mutants.toml"
# Beside the package, by its tests.
NEEDED = (".venv/dist", "tests", "dialplan", "docs", "prompts", "README.md")
TESTS = {
    "call/policy": ("policy", "internal", "countries"),
    "call/playback": ("playback",),
    "call/caller": ("caller", "internal", "explain"),
    "call/agi": ("agi",),
    "call/spool": ("spool",),
    "call/answering": ("call", "call_handler"),
    "call/handler": (
        "call_handler",
        "call",
        "choices",
        "left_out_choices",
        "choice_stopped",
        "other_boxes",
    ),
    "call/conversation": ("call", "call_handler"),
    "call/delivery": ("call", "call_handler"),
    "call/forecast": ("forecast", "forecast_of_choices"),
    "operations/forecast": ("config_diff", "forecast_parts"),
    "operations/forecast_counting": ("config_diff", "forecast"),
    "operations/box_replacement": ("box_replacement",),
    "operations/backup/archive": ("backup_archive",),
    "operations/backup/conditions": ("backup_parts", "restore_report"),
    "operations/backup/encryption": ("backup_archive",),
    "operations/backup/listing": ("backup_parts", "backup"),
    "operations/backup/making": ("making_backups",),
    "operations/backup/manifest": ("backup_parts",),
    "operations/backup/places": ("backup_parts",),
    "operations/backup/recovery": ("restore_report",),
    "operations/backup/sources": ("backup_parts",),
    "operations/setup/journal": ("setup_journal",),
    "operations/setup/running": ("setup",),
    "operations/setup/undoing": ("setup",),
    "operations/request_register": ("requests", "request_moves"),
    "operations/request_answers": ("requests", "request_moves"),
    "operations/request_refusals": ("request_refusals",),
    "ledgers/transaction": (
        "ledgers",
        "call",
        "bulk",
        "damage",
        "evidence/test_audit",
        "sharing/test_other_boxes",
        "answers",
        "choice_records",
        "erasure",
        "one_companys_fault",
    ),
    "ledgers/groupcommit": ("ledgers", "group_commit"),
    "ledgers/rows": (
        "ledgers",
        "choice_records",
        "answers",
        "records",
        "bulk",
        "evidence/test_row_texts",
        "evidence/test_audited_rows",
    ),
    "ledgers/sqlite": (
        "ledgers",
        "storage",
        "recordings",
        "ledger_facts",
        "evidence/test_restore_notes",
    ),
    "ledgers/expiry": ("ledgers", "tally", "choice_records", "answers", "evidence/test_purge_notes"),
    "ledgers/opening_lock": ("opening_lock",),
    "ledgers/unused_bytes": ("unused_bytes",),
    "ledgers/outbox": ("hooks", "hook_sending"),
    "process/hook_sending": ("hook_pauses",),
    "ledgers/replacements": ("sharing/test_retirement_steps",),
    "ledgers/idle": ("idle_ledgers",),
    "ledgers/wal_files": ("wal_steps",),
    "ledgers/open_descriptors": ("wal_steps",),
    "ledgers/following": (
        "following",
        "records",
        "choice_records",
        "console/test_live",
        "console/test_calls",
    ),
    "ledgers/access_chain": ("access_log", "open_access_log", "evidence/test_access_heads"),
    "ledgers/access_log": ("access_log", "open_access_log", "evidence/test_access_heads", "report"),
    "system/patience": ("patience",),
    "console/console": ("console/test_console_state",),
    "console/sessions": ("console/test_sessions",),
    "console/throttle": ("console/test_sessions",),
    "operations/accounts/factors": ("accounts",),
    "operations/accounts/company_accounts": ("company_accounts",),
    "ledgers/audit": ("evidence/test_audited_rows", "evidence/test_log_versions"),
    "evidence/last_audit": ("evidence/test_last_audit", "metrics"),
    "ledgers/restoring": (
        "evidence/test_restoring_steps",
        "evidence/test_restoring",
        "evidence/test_restore_notes",
        "evidence/test_log_versions",
        "ledger_owner",
        "restore_report",
    ),
    "ledgers/caller_traces": ("erasure", "erasure_requests"),
    "ledgers/erasure": (
        "erasure",
        "erasure_requests",
        "hooks",
        "callers",
        "evidence/test_erasure_notes",
        "evidence/test_restoring",
        "sharing/test_retired_amid_approval",
    ),
    "ledgers/gathered_caller": ("erasure", "evidence/test_restoring", "evidence/test_erasure_notes"),
    "ledgers/erasure_requests": ("erasure_requests",),
    "sharing/administration": ("sharing/test_administration", "sharing/test_taking_over"),
    "sharing/meeting_place": ("sharing/test_meeting_steps",),
    "sharing/schema": ("sharing/test_schema",),
    "sharing/replacing": ("sharing/test_retirement_steps",),
    "sharing/retirements": ("sharing/test_retirement_steps",),
    "sharing/retired_leaves": ("sharing/test_retirement_steps",),
    "sharing/shared_lists": ("sharing/test_list_steps",),
    "sharing/returned_callers": ("sharing/test_returned_steps",),
    "sharing/exchange": (
        "sharing/test_exchange_turns",
        "sharing/test_exchange_steps",
        "sharing/test_exchange",
        "sharing/test_proofs",
    ),
    "sharing/envelopes": ("sharing/test_list_steps",),
    "sharing/call_troubles": ("sharing/test_call_troubles",),
    "sharing/question_desk": ("sharing/test_question_desk",),
    "sharing/erasure_orders": ("sharing/test_erasures", "sharing/test_complete", "sharing/test_exchange"),
}
"""Modules, and the test files that are to notice a change to each: `agi` is tests/test_agi.py, one that is
deeper has its whole path below tests."""

_TELL = """
import json
from mutmut.__main__ import SourceFileMutationData, walk_mutatable_files
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
for path in walk_mutatable_files():
    data = SourceFileMutationData(path=path)
    data.load()
    for name, code in data.exit_code_by_key.items():
        status = status_by_exit_code[code]
        print(json.dumps([name, status, "" if status == "killed" else get_diff_for_mutant(name, path=path)]))
"""


@dataclass(frozen=True)
class Mutant:
    """One change: the function, what the line was and became, and how its tests ended."""

    function: str
    before: str
    after: str
    status: str

    @property
    def change(self) -> str:
        """Return what was changed into what, as mutants.toml names it."""
        return f"{self.before} → {self.after}"

    @property
    def same_statement(self) -> bool:
        """Return whether only the case of a statement of SQL was changed, which has no texts, and no
        parameters with a name: databases read it alike."""
        is_statement = re.search(r'"(SELECT|INSERT|UPDATE|DELETE|DROP|CREATE|PRAGMA) ', self.before)
        return (
            is_statement is not None
            and self.before.lower() == self.after.lower()
            and not re.search(r"'|:\w|%\(", self.before)
        )

    @property
    def killed(self) -> bool:
        """Return whether a test noticed it."""
        return self.status in ("killed", "timeout", "segfault")


def main(modules: Sequence[str]) -> int:
    """The exit code: 1 if a mutant survived that is not named as equivalent, or a name is of no survivor."""
    if unknown := [module for module in modules if module not in TESTS]:
        print(f"There is no {unknown[0]}; one of: {' '.join(TESTS)}", file=sys.stderr)
        return 1
    tool, equivalents = _tool(), _equivalents()
    survived = 0
    for module in modules or TESTS:
        mutants = list(_mutants(module, tool))
        lines = list(report(module, mutants, equivalents.get(module, {})))
        print("\n".join(lines), flush=True)
        survived += len(lines) - 1
    return 1 if survived else 0


def report(module: str, mutants: Sequence[Mutant], equivalent: dict[str, str]) -> Iterator[str]:
    """The score, and a line for each survivor that is not named as equivalent, and each name of none."""
    survivors = [mutant for mutant in mutants if not mutant.killed]
    left = [mutant for mutant in survivors if mutant.change not in equivalent and not mutant.same_statement]
    same = len(survivors) - len(left)
    killed, all_of_them = len(mutants) - len(survivors), len(mutants) - same
    share = 100 * killed / all_of_them if all_of_them else 100.0
    late = sum(mutant.status == "timeout" for mutant in mutants)
    by_time = f", {late} ended by their time limit" if late else ""
    yield f"{module}: {killed} of {all_of_them} killed ({share:.1f} %), {same} equivalent{by_time}"
    for mutant in left:
        untested = " (no test runs it)" if mutant.status == "no tests" else ""
        yield f"  {mutant.function}: {mutant.change}{untested}"
    for change in sorted(equivalent.keys() - {mutant.change for mutant in survivors}):
        yield f"  stale in {EQUIVALENT.name}: {change}"


def _equivalents() -> dict[str, dict[str, str]]:
    """Return changes that nobody could notice, each with the reason, by module."""
    equivalents: dict[str, dict[str, str]] = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return equivalents


def _mutants(module: str, tool: Path) -> Iterator[Mutant]:
    """All mutants of one module, each run against its tests."""
    folder = WORK / module.replace("/", "-")
    _lay(folder, module)
    python = [sys.executable, "-W", "ignore"]
    environment = {**os.environ, "PYTHONPATH": str(tool)}
    run = [*python, "-m", "mutmut", "run", "--max-children", str(os.cpu_count() or 1)]
    with (folder / "log").open("w") as log:
        subprocess.run(run, cwd=folder, env=environment, stdout=log, stderr=log, check=False)
    ran = subprocess.run(
        [*python, "-c", _TELL], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    if not outcomes or any(status == "not checked" for _name, status, _diff in outcomes):
        raise SystemExit(
            f"{module}: its tests fail before anything is changed; see {folder}/log\n{ran.stderr}"
        )
    for name, status, diff in outcomes:
        before, after = (_changed(diff, sign) for sign in "-+")
        yield Mutant(_function(name), before, after, status)


def _lay(folder: Path, module: str) -> None:
    """A copy of the installed package and of its tests, as mutmut wants them."""
    shutil.rmtree(folder, ignore_errors=True)
    spec = importlib.util.find_spec("informativa")
    assert spec
    assert spec.origin
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(spec.origin).parent, folder / "src" / "informativa", ignore=ignored)
    for name in NEEDED:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, folder / name, ignore=ignored)
        else:
            shutil.copy(place, folder / name)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]
    filters = json.dumps(settings["ini_options"]["filterwarnings"])
    names = [name if "/" in name else f"test_{name}" for name in TESTS[module]]
    tests = json.dumps([f"tests/{name}.py" for name in names])
    (folder / "pyproject.toml").write_text(f"""
[tool.pytest.ini_options]
pythonpath = ["tests"]
addopts = "--import-mode=importlib -p no:xdist -p no:cacheprovider --hypothesis-seed=0"
filterwarnings = {filters}

[tool.mutmut]
source_paths = ["src/"]
only_mutate = ["src/informativa/{module}.py"]
pytest_add_cli_args_test_selection = {tests}
also_copy = {json.dumps(NEEDED)}
timeout_constant = 20.0  # of processor time: on a busy machine tests that had 5 passed for endless loops
timeout_multiplier = 3.0
""")


def _tool() -> Path:
    """Return where mutmut is; installed the first time, apart from what the tests run with."""
    content = REQUIREMENTS.read_bytes()
    tool = ROOT / ".venv" / f"mutmut-{hashlib.sha256(content).hexdigest()[:16]}"
    if not tool.is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        own = ["--no-deps", "--require-hashes", "--target", str(tool), "-r", str(REQUIREMENTS)]
        subprocess.run([*pip, *own], check=True)
    return tool


def _changed(diff: str, sign: str) -> str:
    """The lines of a diff that went or came, as one."""
    lines = (line for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3))
    return " ".join(line[1:].strip() for line in lines)


def _function(name: str) -> str:
    """`informativa.call.agi.xǁReplyReaderǁfeed__mutmut_7` as `ReplyReader.feed`."""
    plain = name.rpartition("__mutmut_")[0].rpartition(".")[2]
    return plain.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
