"""Changes to the program that no test notices: `python -m lab.mutants MODULE…`, such as `call/agi`.

mutmut changes a function in one small way after the other and runs the tests that import the module. A
change that all of them survive is a behaviour that nobody checks, or one that nobody could notice. It works
on a copy of the installed wheel in `.mutants/`, and leaves alone what stands at module level, constants above
all: literal numbers in tests hold those.
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
PACKAGE = ROOT / "agi/informativa"
WORK = ROOT / ".mutants"
REQUIREMENTS = ROOT / "tests" / "mutants-requirements.txt"
# Beside the package, by its tests.
NEEDED = (".venv/dist", "tests", "dialplan", "docs", "prompts", "README.md")
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
    def killed(self) -> bool:
        """Return whether a test noticed it."""
        return self.status in ("killed", "timeout", "segfault")


def main(modules: Sequence[str]) -> int:
    """Print the score of each module, and each mutant that survived; return the exit code, 1 if one did."""
    if not modules:
        print("Name modules: make mutants MODULES='call/agi call/spool'", file=sys.stderr)
        return 2
    for module in modules:
        if not (PACKAGE / f"{module}.py").is_file() or not tests_of(module):
            print(f"There is no module {module} that tests import.", file=sys.stderr)
            return 2
    tool, survived = _tool(), 0
    for module in modules:
        mutants = list(_mutants(module, tool))
        survivors = [mutant for mutant in mutants if not mutant.killed]
        print(f"{module}: {len(mutants) - len(survivors)} of {len(mutants)} killed", flush=True)
        for mutant in survivors:
            untested = " (no test runs it)" if mutant.status == "no tests" else ""
            print(f"  {mutant.function}: {mutant.before} → {mutant.after}{untested}")
        survived += len(survivors)
    return 1 if survived else 0


def tests_of(module: str) -> list[str]:
    """Return the test files that import a module and start nothing large, by their paths in the checkout."""
    folder, _slash, name = module.rpartition("/")
    package = ".".join(["informativa", *filter(None, folder.split("/"))])
    imported = re.compile(
        rf"^\s*(from {package}\.{name} import|import {package}\.{name}\b|from {package} import .*\b{name}\b)",
        re.MULTILINE,
    )
    files = (file for file in sorted((ROOT / "tests").rglob("test_*.py")) if "asterisk" not in file.parts)
    return [str(file.relative_to(ROOT)) for file in files if imported.search(file.read_text("utf-8"))]


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
    tests = json.dumps(tests_of(module))
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
