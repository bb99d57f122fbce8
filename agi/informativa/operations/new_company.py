"""The first configuration of one company: answers about it, their forms, and the YAML that they amount to."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..model import NumberForm, numbering
from ..model.errors import InformativaError
from ..model.text import Text
from ..prompts import texts
from ..system import shipped
from .packages.table import PACKAGES, VALUES, NoticePackage
from .prompts.spoken_values import GivenValues

_HEAD = """\
# informativa: which notice the callers of which number must hear.
# Paths start at the folder of this file. After a change: `informativa check -c FILE`, then have the service
# load it (`systemctl reload informativa`) and write the dialplan: `informativa dialplan install -c FILE`.
# All other settings, with comments: `informativa init DIR` without an answer writes an example.

service:
  listen: 127.0.0.1:4588     # where Asterisk finds the service (FastAGI)
  token: keys/agi.token      # by which Asterisk is known

# Played where nobody configured the called number, and by the dialplan itself without the service.
fallback_prompt: prompts/{language}/short-nokey

# The company that runs this PBX. Another one's calls are answered here only with its `outsourcing` block.
operator: {operator}

controllers:
"""
_CONTROLLER = """\
  {id}:
    name: {name}
{outsourcing}\
    key: keys/{id}.key  # turns numbers into pseudonyms: keep a copy of it in a safe place
    ledger: ledger/{id}.sqlite3
    retention: 5 years       # older records are deleted every day
    time_zone: {zone}
    notices:
      privacy:
        versions:            # oldest first; the last is in force
          - version: "2026-11"
            purposes: [service]
            short: {{{short}}}
            short_nokey: {{{nokey}}}
            full: {{{full}}}
"""
_OUTSOURCING = """\
    # Not live until both papers are named here, the analysis of a day before the contract.
    outsourcing:
      processor: {operator}
      contract: {{reference: "put its number here", date: 2026-10-01}}
      analysis: {{reference: "put its number here", date: 2026-09-15}}
"""
_LINE = """\
  {number}:
    controller: {id}
    language: {language}
{languages}\
    region: {region}               # the country that national caller numbers belong to
    plan:                    # what a caller must hear, in this order
      - notice: privacy
        when: once           # or `always`: on every call; or such as `every 12 months`
    keys:
      full: "1"              # plays the full text
    callers: {callers}  # how the trunk writes callers' numbers that come without + or 00
"""
_ZONES = {
    "IT": "Europe/Rome", "DE": "Europe/Berlin", "AT": "Europe/Vienna", "FR": "Europe/Paris",
    "CH": "Europe/Zurich", "GB": "Europe/London", "IE": "Europe/Dublin", "ES": "Europe/Madrid",
}  # fmt: skip
_REGIONS = {"it": "IT", "de": "DE", "fr": "FR", "en": "GB", "es": "ES"}

_KNOWN = ("quality", "withdraw_at")
"""Values that a company with one line has: the usual purpose, and that line."""

_IDS = tuple(f"{package.id}." for package in PACKAGES)


@dataclass(frozen=True)
class OtherCompany:
    """Another company whose calls this one answers."""

    name: str
    number: str


@dataclass(frozen=True)
class NewCompany:
    """A company and its calls."""

    name: str
    number: str
    """The called number."""
    languages: Sequence[str]
    """The first is that of the line."""
    region: str
    """The country that national numbers belong to."""
    notices: Sequence[str] = ()
    """The ids of the notices of today that it needs."""
    values: GivenValues = field(default_factory=GivenValues)
    """The values of these notices: `marketing.no` for one, or `no` for all that need it."""
    others: Sequence[OtherCompany] = ()
    further: Sequence[str] = ()
    """Further called numbers."""

    @property
    def id(self) -> str:
        """The controller's name in the configuration."""
        return _id(self.name)

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of all controllers in the configuration."""
        return (self.id, *(_id(other.name) for other in self.others))

    def values_of(self, package: NoticePackage) -> GivenValues:
        """Return the values that one of these notices needs."""
        needed = {
            *package_values(package, self.languages),
            *(section.only_with for section in package.sections if section.only_with),
            *(name for section in package.sections for name in section.settings),
        }
        given = {name: value for name, value in self.values.options.items() if not name.startswith(_IDS)}
        own = {
            name.removeprefix(f"{package.id}."): value
            for name, value in self.values.options.items()
            if name.startswith(f"{package.id}.")
        }
        every = {**given, **own}
        return GivenValues(
            {name: value for name, value in every.items() if name.rpartition(".")[2] in needed}
        )

    def configuration(self, callers: NumberForm) -> str:
        """Return the YAML, without the notices of today."""
        parts = [_HEAD.format(language=self.languages[0], operator=_quoted(self.name)), self._controller()]
        for other in self.others:
            block = _OUTSOURCING.format(operator=_quoted(self.name))
            parts.append("\n" + replace(self, name=other.name)._controller(block))
        parts += ["\nlines:\n", self._line(callers)]
        parts += ["\n" + replace(self, number=number)._line(callers) for number in self.further]
        for other in self.others:
            parts.append("\n" + replace(self, name=other.name, number=other.number)._line(callers))
        return "".join(parts)

    def _controller(self, outsourcing: str = "") -> str:
        prompts = {
            part: ", ".join(f"{language}: prompts/{language}/{part}" for language in self.languages)
            for part in ("short", "short-nokey", "full")
        }
        return _CONTROLLER.format(
            id=self.id,
            name=_quoted(self.name),
            outsourcing=outsourcing,
            zone=_ZONES.get(self.region, "UTC"),
            short=prompts["short"],
            nokey=prompts["short-nokey"],
            full=prompts["full"],
        )

    def _line(self, callers: NumberForm) -> str:
        others = self.languages[1:]
        languages = f"    fallback: [{', '.join(others)}]\n" if others else ""
        return _LINE.format(
            number=_quoted(self.number),
            id=self.id,
            language=self.languages[0],
            languages=languages,
            region=self.region,
            callers=callers,
        )


def given_values(settings: Sequence[str]) -> GivenValues:
    """Return the values of `name=value` or `NOTICE.name=value`. Raises InformativaError."""
    options: dict[str, str] = {}
    for setting in settings:
        prefix = next((prefix for prefix in _IDS if setting.startswith(prefix)), "")
        values = GivenValues.parsed([setting.removeprefix(prefix)])
        options |= {f"{prefix}{name}": value for name, value in values.options.items()}
    return GivenValues(options)


def company_name(text: str) -> str:
    """Return a name that a company can have. Raises InformativaError."""
    name = " ".join(text.split())
    if not (0 < len(name) < 200 and name.isprintable()):
        raise InformativaError(Text("{given!r} is no company's name.", given=text))
    return name


def called_number(text: str) -> str:
    """Return a number with its country code. Raises InformativaError."""
    number = re.sub(r"[ ()./-]", "", text)
    if not (re.fullmatch(r"\+\d{5,15}", number) and numbering.is_possible(number)):
        raise InformativaError(
            Text("{given!r} is no number with its country code.", given=text),
            Text("Write it like +390212345678."),
        )
    return number


def called_numbers(text: str) -> tuple[str, ...]:
    """Return one or more numbers with their country codes, with commas between. Raises InformativaError."""
    return tuple(dict.fromkeys(called_number(part) for part in re.split(r"[,;]", text.strip(" ,;"))))


def languages(text: str) -> tuple[str, ...]:
    """Return languages in which there are recordings, the usual one first. Raises InformativaError."""
    names = tuple(dict.fromkeys(re.findall(r"[^\s,;]+", text.lower())))
    known = recorded_languages()
    if not names or (unknown := [name for name in names if name not in known]):
        given = unknown[0] if names else text
        raise InformativaError(
            Text("There are no recordings in {language!r}.", language=given),
            Text("There are: {known}.", known=", ".join(known)),
        )
    return names


def country(text: str) -> str:
    """Return a country's two capitals. Raises InformativaError."""
    region = text.strip().upper()
    if not (re.fullmatch("[A-Z]{2}", region) and numbering.is_region(region)):
        raise InformativaError(
            Text("{given!r} is no country.", given=text), Text("Write two letters, such as IT; GB, not UK.")
        )
    return region


def usual_country(language: str) -> str:
    """Return the country to propose for a language."""
    return _REGIONS.get(language, "IT")


def recorded_languages() -> tuple[str, ...]:
    """Return the languages in which the program ships recordings."""
    folders = (folder for folder in shipped.folder("prompts").iterdir() if folder.is_dir())
    return tuple(sorted(folder.name for folder in folders if (folder / "short.wav").is_file()))


def package_values(package: NoticePackage, spoken: Sequence[str]) -> Iterator[str]:
    """Yield the names of the values that a notice needs from somebody, in the languages that are spoken."""
    names: dict[str, None] = {}
    for section in package.sections:
        if section.only_with:
            continue
        for language in spoken:
            template = texts.template(shipped.folder("texts"), language, section.text)
            names |= dict.fromkeys(sorted(template.placeholders & VALUES.keys()))
        names |= dict.fromkeys(name for name, usual in section.settings.items() if not usual)
    names = {name: None for name in names if name not in _KNOWN}
    yield from names


def required_packages(ids: Sequence[str]) -> tuple[NoticePackage, ...]:
    """Return the notices of these ids, in the order of a call. Raises InformativaError."""
    known = {package.id: package for package in PACKAGES}
    if unknown := [name for name in ids if name not in known]:
        raise InformativaError(
            Text("There is no notice {name}.", name=unknown[0]),
            Text("There are: {known}.", known=", ".join(known)),
        )
    return tuple(package for package in PACKAGES if package.id in ids)


def _id(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace(".", "")).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return (words if re.match("[a-z]", words) else f"company-{words}".strip("-"))[:32].rstrip("-")


def _quoted(text: str) -> str:
    """Return a text as YAML reads it: in quotes where it could be something else."""
    is_plain = re.fullmatch(r"[^\W\d][\w .&'()-]*", text) and text.lower() not in (
        "yes",
        "no",
        "true",
        "false",
    )
    return text if is_plain and not text.endswith(" ") else json.dumps(text, ensure_ascii=False)
