"""The data that dialplan/informativa.conf passes to the service and the script, without an Asterisk."""

import re
from pathlib import Path

import pytest

from informativa.call import agi

SHIPPED = (Path(__file__).resolve().parents[1] / "dialplan" / "informativa.conf").read_text(encoding="utf-8")
EXTENSIONS = dict(
    re.findall(r"^exten => (\w+),1,(.*?)(?=^exten => |^\[|\Z)", SHIPPED, re.MULTILINE | re.DOTALL)
)
TOLD = {
    "linked": (r"A-Za-z0-9._:\-", "CHANNEL(linkedid)"),
    "heard": (r"a-zA-Z0-9_:.@ \-", "INFORMATIVA_HEARD"),
    "language": ("A-Za-z_", "INFORMATIVA_LANGUAGE"),
    "customer": (r"A-Za-z0-9._@\-", "INFORMATIVA_CUSTOMER"),
    "verification": (r"A-Za-z_ \-", "INFORMATIVA_VERIFICATION"),
    "country": ("A-Za-z", "INFORMATIVA_COUNTRY"),
}
READ = {"operator": (r"A-Za-z0-9._@\-", "INFORMATIVA_OPERATOR")}
FILTERED = re.compile(r"(\w+)=\$\{FILTER\(([^,]*),\$\{([^}]*)\}\)\}")


def options(extension: str) -> str:
    """Return the options that an extension passes beside the line, as they are written."""
    (written_options,) = re.findall(r"Set\(LOCAL\(options\)=(.*)\)$", EXTENSIONS[extension], re.MULTILINE)
    return written_options


@pytest.mark.parametrize(("extension", "expected"), [("s", TOLD), ("read", TOLD | READ), ("consent", TOLD)])
def test_i8_all_that_is_told_is_filtered(extension: str, expected: dict[str, tuple[str, str]]) -> None:
    """I8: each option has its own variable and characters that end no option."""
    filtered = {
        name: (characters, variable) for name, characters, variable in FILTERED.findall(options(extension))
    }
    assert filtered == expected
    unfiltered = [part for part in FILTERED.sub("", options(extension)).split(",") if part]
    assert unfiltered == [f"action={extension}"] * (extension != "s")


def test_i8_answers_go_nowhere() -> None:
    """I8: what the service says of choices is for the admin's dialplan; it is handed on to nobody, and only
    taken away before the next notice, which may be another company's."""
    steps = "".join(EXTENSIONS.values())
    assert (steps.count("INFORMATIVA_CHOICES"), steps.count(",INFORMATIVA_CHOICES=)")) == (2, 1)


@pytest.mark.parametrize(
    ("extension", "variable", "places"),
    [("s", "ARG1", 1), ("read", "INFORMATIVA_LINE", 1), ("consent", "ARG1", 1)],
)
def test_i8_line_is_filtered(extension: str, variable: str, places: int) -> None:
    """I8: the called number is letters, digits, a plus and a full stop wherever it goes."""
    filtered = "${FILTER(+0-9A-Za-z.,${VARIABLE})}".replace("VARIABLE", variable)
    assert EXTENSIONS[extension].count(f"={filtered}") == places


@pytest.mark.parametrize("extension", ["s", "read", "consent"])
def test_what_is_told_is_understood(extension: str) -> None:
    """The service and the script take every option by its name, and are told the same."""
    written = re.findall(
        r"AGI\((agi://127\.0\.0\.1:4588/notice|informativa-agi),(.*)\)$", SHIPPED, re.MULTILINE
    )
    assert [arguments for _where, arguments in written] == ["${INFORMATIVA_LINE},${options}"] * 2 + [
        "${line},${options}"
    ] * 4
    names = [part.partition("=")[0] for part in FILTERED.sub(r"\1=x", options(extension)).split(",")]
    sent = "".join(f"agi_arg_{number}: {name}=x\n" for number, name in enumerate(names, 2))
    call = agi.parse_environment(f"agi_request: x\nagi_threadid: 1\nagi_arg_1: 1\n{sent}\n".encode())
    assert (call.ambiguous, list(call.options)) == (False, names)


def test_i8_header_of_a_call_that_comes_back_needs_the_secret() -> None:
    """I8: without a secret no header is sent or believed; both sides make the check of the same text."""
    condition = '${REGEX("/notice/." agi://127.0.0.1:4588/notice)} = 0'
    assert all(EXTENSIONS[extension].count(condition) == 1 for extension in ("carry", "carried"))
    secret = "agi://127.0.0.1:4588/notice"  # the place of the secret
    sent = f"X-Informativa)=${{SHA1({secret} ${{SHA1({secret} ${{heard}})}})}} ${{heard}}"
    assert sent in EXTENSIONS["carry"]
    assert f"${{SHA1({secret} ${{SHA1({secret} ${{header:41}})}})}}" in EXTENSIONS["carried"]
