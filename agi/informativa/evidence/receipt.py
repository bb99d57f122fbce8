"""A receipt: one record, opened, with the proof that it is in a log. Pure.

It is a C2SP tlog-proof whose extra data is canonical JSON of `v`, `facts`, `salt_what`, and either `person`
and `salt_who`, or `who` if that can no longer be opened. With `opening_key` it also shows whose number it
was, to anybody who knows the number or tries all: such a receipt is as confidential as the number.

`v` is the version of all this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..model import Identified
from ..model.errors import EvidenceFormatError, ReceiptError
from ..model.text import Text
from . import commitment, jcs
from .commitment import FACTS, PERSON, SALT_SIZE, Commitments
from .encoding import HASH_SIZE
from .note import NoteVerifier
from .policy import Policy
from .proof import Proof, VerifiedProof

VERSION = 2

_MINUTE = 60_000_000  # microseconds
_MINUTE_FORM = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\dZ", re.ASCII
)
NUMBERS = {
    "facts": frozenset(
        {
            "counts",
            "from",
            "heard",
            "length",
            "number",
            "rate",
            "record",
            "rows",
            "supplement",
            "to",
            "tries",
            "waited",
        }
    ),
    "person": frozenset({"basis", "happened", "recorded"}),
}
"""The names whose values are numbers; the others are texts."""
REQUIRED = {
    "facts": frozenset({"happened", "kind", "log", "number", "reason", "record", "recorded", "status"}),
    "person": frozenset({"happened", "recorded"}),
}
"""The names that every record has."""
FACTS_OF_CHOICES = ("answer", "asks", "choice", "options", "tries", "waited")
"""The names that only the record of a choice has."""

Values = Mapping[str, str | int]


@dataclass(frozen=True)
class Person:
    """The data that lead to the caller, and their salt."""

    values: Values
    salt: bytes = field(repr=False)


@dataclass(frozen=True)
class Receipt:
    """One record opened: its facts and their salt; the person it was about, or the hash of that (32 bytes) if
    it was erased; the proof; and the key that opens its binding, if it is given away. Raises
    EvidenceFormatError for what is no record."""

    facts: Values
    salt: bytes = field(repr=False)
    who: Person | bytes
    proof: Proof
    opening_key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._check(self.facts, FACTS, "facts")
        salts = [self.salt]
        if isinstance(self.who, Person):
            person = self.who.values
            self._check(person, PERSON, "person")
            if ("opening" in person) != ("binding" in person):
                raise _malformed()
            salts.append(self.who.salt)
        elif len(self.who) != HASH_SIZE:
            raise _malformed()
        if any(len(salt) != SALT_SIZE for salt in salts) or len(set(salts)) != len(salts):
            raise EvidenceFormatError(Text("Each salt has 16 bytes, and no two are the same."))
        if any(not _MINUTE_FORM.fullmatch(str(self.facts[name])) for name in ("happened", "recorded")):
            raise _malformed()

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """Parse a file. Raises EvidenceFormatError; nothing is verified."""
        proof = Proof.parse(data)
        if not proof.extra:
            raise EvidenceFormatError(Text("It is a proof, and not a receipt: it does not say of what."))
        extra = jcs.parse(proof.extra)
        version = extra.get("v")
        if not isinstance(version, int):
            raise _malformed()
        if version != VERSION:
            raise EvidenceFormatError(
                Text("It is a receipt of version {version}, unknown to this program.", version=version),
                Text("Verify it with a newer one."),
            )
        person_names = {"person", "salt_who"} if "person" in extra else {"who"}
        key_name = {"opening_key"} & set(extra)
        if set(extra) != {"v", "facts", "salt_what"} | person_names | key_name:
            raise _malformed()
        person = Person(_values(extra["person"]), _hex(extra["salt_who"])) if "person" in extra else None
        return cls(
            facts=_values(extra["facts"]),
            salt=_hex(extra["salt_what"]),
            who=person or _hex(extra["who"]),
            proof=proof,
            opening_key=_hex(extra["opening_key"]) if key_name else None,
        )

    @property
    def commitments(self) -> Commitments:
        """The commitments to the values that it opens."""
        person_hash = (
            commitment.who(self.who.values, self.who.salt) if isinstance(self.who, Person) else self.who
        )
        return Commitments(commitment.what(self.facts, self.salt), person_hash)

    @property
    def entry(self) -> bytes:
        """The entry of the log that it opens, 86 bytes."""
        return self.commitments.entry

    def verify(
        self,
        keys: Iterable[NoteVerifier] = (),
        policy: Policy | None = None,
        caller: Identified | None = None,
    ) -> VerifiedProof:
        """Verify that this record is in a trusted log, and is about this caller. Raises ReceiptError if it
        contradicts itself, and what `Proof.verify` raises."""
        verified = self.proof.verify(self.entry, keys, policy)
        if self.facts["log"] != verified.checkpoint.origin or self.facts["record"] != verified.index:
            raise ReceiptError(Text("The record says that it is another one than its proof is of."))
        if isinstance(self.who, Person):
            for name in ("happened", "recorded"):
                if commitment.minute(int(self.who.values[name])) != self.facts[name]:
                    raise ReceiptError(Text("The record gives two times for one thing."))
            self._require_its_opening_key(self.who.values)
        if caller is not None:
            self._require_about(caller)
        return verified

    def _require_its_opening_key(self, person: Values) -> None:
        """Check the opening key by its digest."""
        if self.opening_key is None or "opening" not in person:
            return
        if commitment.opening(self.opening_key).hex() != person["opening"]:
            raise ReceiptError(
                Text("The opening key is not this record's, so it shows nobody's number."),
                Text("Ask the company for the receipt again: informativa evidence receipt --open"),
            )

    def _require_about(self, caller: Identified) -> None:
        binding = self.who.values.get("binding") if isinstance(self.who, Person) else None
        if self.opening_key is None or binding is None:
            raise ReceiptError(
                Text("The receipt does not show whose number it is about"),
                Text("Ask the company for one that does: informativa evidence receipt --open"),
            )
        if commitment.binding(self.opening_key, caller).hex() != binding:
            raise ReceiptError(Text("The opening key is this record's, and the number is another."))

    def _check(self, values: Values, names: Mapping[str, str], part: str) -> None:
        for name, value in values.items():
            if name not in names:
                raise EvidenceFormatError(
                    Text(
                        "A record has no {name}.",
                        name=name.encode("unicode_escape").decode(),
                    )
                )
            if isinstance(value, int) != (name in NUMBERS[part]) or value == "":
                raise EvidenceFormatError(Text("{name} is not what it is in a record.", name=name))
        if missing := sorted(REQUIRED[part] - set(values)):
            raise EvidenceFormatError(Text("The record lacks {names}.", names=", ".join(missing)))


def receipt_extra(facts: Values, salt: bytes, who: Person | bytes, opening_key: bytes | None = None) -> bytes:
    """Return the extra data of the proof of a record."""
    person: dict[str, jcs.Value] = (
        {"person": dict(who.values), "salt_who": who.salt.hex()}
        if isinstance(who, Person)
        else {"who": who.hex()}
    )
    key: dict[str, jcs.Value] = {"opening_key": opening_key.hex()} if opening_key else {}
    return jcs.canonical({"v": VERSION, "facts": dict(facts), "salt_what": salt.hex(), **person, **key})


def _values(value: jcs.Value) -> Values:
    if not isinstance(value, Mapping) or any(isinstance(member, Mapping) for member in value.values()):
        raise _malformed()
    return {name: member for name, member in value.items() if not isinstance(member, Mapping)}


def _hex(value: jcs.Value) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(r"(?:[0-9a-f]{2})+", value):
        raise _malformed()
    return bytes.fromhex(value)


def _malformed() -> EvidenceFormatError:
    return EvidenceFormatError(Text("It is no receipt of this program."))
