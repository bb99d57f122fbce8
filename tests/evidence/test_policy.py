"""Policies, against the rules and the example of C2SP tlog-policy."""

from __future__ import annotations

from itertools import combinations

import pytest

from informativa.evidence import note
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer
from informativa.evidence.policy import Policy
from informativa.model.errors import EvidenceFormatError, QuorumError, SignatureError

LOG = Signer("example.com/log", bytes([1]) * 32)
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
WITNESSES = {
    name: WitnessSigner(f"{name.lower()}.example", bytes([number]) * 32)
    for number, name in enumerate(NAMES, 2)
}
HERE = Checkpoint("example.com/log", 5, bytes(range(32)))
LOG_LINE = f"log {LOG.verifier}\n"
LINES = {name: f"witness {name} {witness.verifier}\n" for name, witness in WITNESSES.items()}
# c2sp.org/tlog-policy, "Example policy", with keys
EXAMPLE = (
    LOG_LINE
    + "\n"
    + "".join(LINES[name] for name in NAMES[:3])
    + "group X-witnesses 2 X1 X2 X3\n\n"
    + "".join(LINES[name] for name in NAMES[3:])
    + "group Y-witnesses any Y1 Y2 Y3\n\n"
    + "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
)


def policy(text: str) -> Policy:
    """Parse a policy from a text."""
    return Policy.parse(text.encode())


def cosigned(*names: str) -> bytes:
    """The log's checkpoint, with these witnesses' signatures; the digit in its name is the time of each, in
    seconds after 1,700,000,000."""
    lines = (WITNESSES[name].cosign(HERE.text, 1_700_000_000 + int(name[1])).line for name in names)
    return note.sign(HERE.text, LOG) + "".join(lines).encode()


def test_the_example_of_the_specification_in_every_case() -> None:
    """Only sets with two witnesses of X and one of Y are enough, among all 64 sets."""
    example = policy(EXAMPLE)
    for count in range(7):
        for names in combinations(NAMES, count):
            groups = "".join(names)
            enough = groups.count("X") >= 2 and groups.count("Y") >= 1
            witnessed = example.verify(cosigned(*names))
            assert witnessed.quorum is enough, names
            assert [cosigned_by.name for cosigned_by in witnessed.witnesses] == [
                f"{name.lower()}.example" for name in names
            ]
            assert [cosigned_by.at for cosigned_by in witnessed.witnesses] == [
                1_700_000_000 + int(name[1]) for name in names
            ]
            if enough:
                assert witnessed.required() is witnessed
            else:
                with pytest.raises(QuorumError):
                    witnessed.required()


def test_a_quorum_may_be_one_witness_or_nobody() -> None:
    """A name alone means that witness; `none` asks for no witness at all."""
    one = policy(LOG_LINE + LINES["X1"] + LINES["X2"] + "quorum X2\n")
    assert one.verify(cosigned("X2")).quorum
    assert not one.verify(cosigned("X1")).quorum
    nobody = policy(LOG_LINE + LINES["X1"] + "quorum none\n")
    assert nobody.verify(cosigned()).quorum
    assert [witness.name for witness in nobody.verify(cosigned("X1", "X2")).witnesses] == ["x1.example"]


def test_only_its_logs_count() -> None:
    """A checkpoint that none of them signed proves nothing, whoever witnessed it. Where the policy has no
    log, those that are given count, and without any of them nothing does."""
    other = Signer("example.com/other", bytes([9]) * 32)
    with pytest.raises(SignatureError):
        policy(f"log {other.verifier}\n{LINES['X1']}quorum X1\n").verify(cosigned("X1"))
    without = policy(LINES["X1"] + "quorum X1\n")
    assert without.verify(cosigned("X1"), [LOG.verifier]).quorum
    with pytest.raises(SignatureError):
        without.verify(cosigned("X1"))
    with pytest.raises(SignatureError):  # given ones do not add to the policy's own
        policy(f"log {other.verifier}\nquorum none\n").verify(cosigned(), [LOG.verifier])


def test_i7_a_wrong_signature_of_its_witness_refuses_the_checkpoint() -> None:
    """I7: also where the quorum would be met without it."""
    signature_line = WITNESSES["X1"].cosign(Checkpoint("example.com/log", 6, bytes(32)).text, 5).line.encode()
    example = policy(LOG_LINE + LINES["X1"] + LINES["X2"] + "group g any X1 X2\nquorum g\n")
    with pytest.raises(SignatureError, match="of x1"):
        example.verify(cosigned("X2") + signature_line)


def test_a_witness_counts_once() -> None:
    """Two of its signatures, of two times, are one witness."""
    example = policy(LOG_LINE + LINES["X1"] + LINES["X2"] + "group g 2 X1 X2\nquorum g\n")
    again = WITNESSES["X1"].cosign(HERE.text, 1_800_000_000).line.encode()
    assert not example.verify(cosigned("X1") + again).quorum


TWO = LOG_LINE + LINES["X1"] + LINES["X2"]
FAULTS = {
    "nothing": "",
    "no quorum": TWO,
    "two quorums": TWO + "quorum X1\nquorum X1\n",
    "quorum of two": TWO + "quorum X1 X2\n",
    "quorum of nothing": TWO + "quorum\n",
    "quorum before the name": LOG_LINE + "quorum X1\n" + LINES["X1"],
    "unknown quorum": TWO + "quorum X3\n",
    "unknown member": TWO + "group g any X1 X3\nquorum g\n",
    "group of itself": TWO + "group g any g\nquorum g\n",
    "group before its member": TWO + "group g any h\ngroup h any X1\nquorum g\n",
    "group without members": TWO + "group g any\nquorum g\n",
    "member twice in a group": TWO + "group g 2 X1 X1\nquorum g\n",
    "member of two groups": TWO + "group g any X1 X2\ngroup h any X1\nquorum g\n",
    "none as a member": TWO + "group g any X1 none\nquorum g\n",
    "none as a group": TWO + "group none any X1\nquorum none\n",
    "none as a witness": LINES["X1"].replace("X1", "none") + "quorum none\n",
    "a name twice": TWO + LINES["X3"].replace("X3", "X1") + "quorum X1\n",
    "group with a witness's name": TWO + "group X2 any X1\nquorum X2\n",
    "group with a group's name": TWO + "group g any X1\ngroup g any X2\nquorum g\n",
    "threshold 0": TWO + "group g 0 X1 X2\nquorum g\n",
    "threshold beyond": TWO + "group g 3 X1 X2\nquorum g\n",
    "threshold in words": TWO + "group g two X1 X2\nquorum g\n",
    "threshold with a sign": TWO + "group g +1 X1 X2\nquorum g\n",
    "threshold with a zero": TWO + "group g 01 X1 X2\nquorum g\n",
    "a log twice": LOG_LINE + LOG_LINE + "quorum none\n",
    "a log's key under two names": LOG_LINE + f"log {Signer('b.example', LOG.seed).verifier}\nquorum none\n",
    "a witness twice": TWO + LINES["X1"].replace("X1", "X9") + "quorum X1\n",
    "a witness's key under two names": TWO
    + f"witness X9 {WitnessSigner('b.example', WITNESSES['X1'].seed).verifier}\nquorum X1\n",
    "a log's key as a witness": f"witness X1 {LOG.verifier}\nquorum X1\n",
    "a witness's key as a log": f"log {WITNESSES['X1'].verifier}\nquorum none\n",
    "no key": "log\nquorum none\n",
    "a broken key": LOG_LINE[:-2] + "\nquorum none\n",
    "a word too many": LOG_LINE[:-1] + " https://log.example x\nquorum none\n",
    "an unknown word": TWO + "threshold 2\nquorum none\n",
    "a capital": LOG_LINE + "Quorum none\n",
    "a comment after": LOG_LINE + "quorum none # nobody\n",
    "a carriage return": LOG_LINE + "quorum none\r\n",
    "a form feed": LOG_LINE + "quorum\fnone\n",
    "a null": LOG_LINE + "quorum none\n\0\n",
    "a last line that does not end": TWO + "quorum none",
    "a comment that does not end": TWO + "quorum none\n# we tru",
    "a delete": LOG_LINE + "quorum none\n# \x7f\n",
    "too large": "#" * 1_000_000 + "\n" + LOG_LINE + "quorum none\n",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_policy_is_refused(fault: str) -> None:
    """Unknown names, names and keys that stand twice, thresholds that cannot be, other words."""
    with pytest.raises(EvidenceFormatError):
        policy(FAULTS[fault])


def test_the_line_of_a_fault_is_named() -> None:
    """Counted from 1, comments and empty lines too."""
    with pytest.raises(EvidenceFormatError, match="Line 4 of the policy: There is no X2"):
        policy("# whom we trust\n\n" + LINES["X1"] + "quorum X2\n")


def test_spaces_comments_and_addresses_are_as_the_format_has_them() -> None:
    """Tabs and spaces part and surround words; a comment may be indented; an address may follow a key."""
    parsed = policy(
        f"\t# whom we trust: caffè\n  log\t{LOG.verifier} \t https://log.example/x \n \t\n"
        f"witness X1 {WITNESSES['X1'].verifier} https://w.example\n quorum  X1\t\n{LINES['X2']}"
    )
    assert [member.url for member in parsed.logs] == ["https://log.example/x"]
    assert [member.url for member in parsed.witnesses] == ["https://w.example", ""]
    assert parsed.verify(cosigned("X1")).quorum


def test_names_are_bytes() -> None:
    """K and the Kelvin sign are two names, and one that is not UTF-8 is a name too."""
    lines = b"".join(
        b"witness %s %s\n" % (name, str(WITNESSES[key].verifier).encode())
        for name, key in ((b"K", "X1"), ("\u212a".encode(), "X2"), (b"\xff", "X3"))
    )
    parsed = Policy.parse(LOG_LINE.encode() + lines + b"group g 2 K \xff\nquorum g\n")
    assert parsed.verify(cosigned("X1", "X3")).quorum
    assert not parsed.verify(cosigned("X1", "X2")).quorum


def test_as_many_as_the_specification_wants() -> None:
    """32 logs, witnesses and groups, each group of the one before."""
    logs = [f"log {Signer(f'l{number}.example', bytes([number]) * 32).verifier}\n" for number in range(32)]
    witnesses = [WitnessSigner(f"w{number}.example", bytes([number + 100]) * 32) for number in range(32)]
    lines = [f"witness {number} {witness.verifier}\n" for number, witness in enumerate(witnesses)]
    groups = ["group g0 any 0\n", *(f"group g{n} all g{n - 1} {n}\n" for n in range(1, 32))]
    parsed = policy("".join([*logs, *lines, *groups, "quorum g31\n"]))
    assert parsed.quorum_met({str(number).encode() for number in range(32)})
    assert not parsed.quorum_met({str(number).encode() for number in range(31)})
    assert not parsed.quorum_met({b"g31"})
