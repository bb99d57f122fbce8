"""The caller, the line that was called, and what stands for them."""

import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import CALLER, incoming, line
from informativa.call import caller
from informativa.model import Identified, NumberForm, NumberVerification, Reason, Unidentified, Vouched
from informativa.model.hooks import Hook

EITHER = NumberForm.EITHER
KEY = b"k" * 32


@pytest.mark.parametrize("number", ["+393331234567", "00393331234567", "3331234567", " +393331234567 "])
def test_one_telephone_is_one_caller(number: str) -> None:
    """International, 00 and national spelling of a number are the same caller."""
    assert caller.recognise(incoming(number), line()) == Identified(CALLER, "IT")


def test_italian_landlines_keep_their_zero() -> None:
    """Italy's leading zero belongs to the number; a German trunk zero does not."""
    assert caller.e164("0212345678", "IT", EITHER) == {"+390212345678"}
    assert caller.e164("03012345678", "DE", EITHER) == {"+493012345678"}


@pytest.mark.parametrize("number", ["00393331234567", "+00393331234567"])
def test_two_zeros_are_the_international_prefix_everywhere(number: str) -> None:
    """A trunk may write 00 on a line whose own country dials 011, also behind a plus."""
    assert caller.recognise(incoming(number), replace(line(), region="US")) == Identified(CALLER, "IT")


def test_zeros_at_the_end_belong_to_the_number() -> None:
    """Only what stands before a number is a prefix."""
    assert caller.recognise(incoming("+393331234500"), line()) == Identified("+393331234500", "IT")


def test_number_that_is_none_in_the_lines_country_may_be_one_of_another() -> None:
    """994 is how Finland dials abroad and what Azerbaijan is dialled with: what is left counts."""
    given = incoming("994991234567")
    assert caller.recognise(given, replace(line(), region="FI")) == Identified("+994991234567", "AZ")


def test_i1_digits_that_may_be_two_numbers_are_nobodys() -> None:
    """I1: 3225551234 is an Italian mobile or a telephone in Brussels; only the trunk's form can tell."""
    both = "3225551234"
    assert caller.e164(both, "IT", EITHER) == {"+393225551234", "+3225551234"}
    assert caller.e164(both, "IT", NumberForm.NATIONAL) == {"+393225551234"}
    assert caller.e164(both, "IT", NumberForm.INTERNATIONAL) == {"+3225551234"}
    assert caller.recognise(incoming(both), line()) == Unidentified(Reason.AMBIGUOUS)
    assert caller.recognise(incoming(both), line(callers=NumberForm.NATIONAL)) == Identified(
        "+393225551234", "IT"
    )
    assert caller.recognise(incoming(both), line(callers=NumberForm.INTERNATIONAL)) == Identified(
        "+3225551234", "BE"
    )
    assert caller.recognise(incoming("393331234567"), line(callers=NumberForm.INTERNATIONAL)) == Identified(
        CALLER, "IT"
    )


@pytest.mark.parametrize(
    "number",
    ["800123456", "+80012345678", "199123456", "892000", "+4918012345", "+17378742833", "8628245225"],
)
def test_i1_numbers_that_many_share_are_nobodys(number: str) -> None:
    """I1: toll-free, shared-cost and service numbers, and what switches fill in, stand for no one caller."""
    own = replace(line(), region="US" if number == "8628245225" else "IT")
    assert isinstance(caller.recognise(incoming(number), own), Unidentified)


@pytest.mark.parametrize("presentation", [2, 34])
def test_i1_number_that_failed_screening_is_nobodys(presentation: int) -> None:
    """I1: a number that the network checked and found wrong is not taken for the caller's."""
    assert isinstance(caller.recognise(incoming(presentation=presentation), line()), Unidentified)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("", Reason.WITHHELD),
        ("unknown", Reason.WITHHELD),
        ("Anonymous", Reason.WITHHELD),
        ("1" * 40, Reason.MALFORMED),
        ("0000000000", Reason.MALFORMED),
        ("+39333CALLME7", Reason.MALFORMED),
        ("mario.rossi", Reason.MALFORMED),
        ("+39333123456\u0667", Reason.MALFORMED),
        ("201", Reason.MALFORMED),
        ("+3933312345;67", Reason.MALFORMED),
    ],
)
def test_i1_what_is_no_number_is_nobody(number: str, reason: Reason) -> None:
    """I1: withheld, unknown, too long, made of letters, a filler, an extension: never recognised."""
    assert caller.recognise(incoming(number), line()) == Unidentified(reason)


@pytest.mark.parametrize("presentation", [32, 35, 67, 99])
def test_i1_restricted_number_is_withheld_even_when_it_is_there(presentation: int) -> None:
    """I1: a caller who asked not to be shown is not recognised by the number that came along."""
    given = incoming(presentation=presentation)
    assert caller.recognise(given, line()) == Unidentified(Reason.WITHHELD)


def test_i1_contradictory_call_is_nobody() -> None:
    """I1: a call whose description was tampered with is not recognised."""
    assert caller.recognise(incoming(ambiguous=True), line()) == Unidentified(Reason.AMBIGUOUS)


def test_spellings_of_a_line() -> None:
    """A dialplan may pass the called number as configured, in E.164 with +, 00 or bare, or nationally."""
    for written in ("+390212345678", "0212345678"):
        assert caller.spellings(written, "IT") == {
            "+390212345678",
            "390212345678",
            "00390212345678",
            "0212345678",
        }
    assert "03012345678" in caller.spellings("+493012345678", "DE")
    assert "03012345678" not in caller.spellings("+493012345678", "IT")
    assert caller.spellings("sales", "IT") == {"sales"}
    assert caller.spellings("02-12345678", "IT") == {"02-12345678"}


def test_i6_pseudonyms_differ_between_controllers() -> None:
    """I6: one number has unrelated pseudonyms under two keys, and one under one."""
    one, other = (caller.pseudonym(Identified(CALLER), letter * 32) for letter in (b"a", b"b"))
    assert one != other
    assert one == caller.pseudonym(Identified(CALLER), b"a" * 32)
    assert len(one) == 32
    assert CALLER.encode() not in one


def test_pseudonyms_are_those_of_the_ledgers_that_are_in_use() -> None:
    """Another way to make a pseudonym would forget all who were told: these two are OpenSSL's HMAC-SHA256 of
    `e164:+393331234567` and of `customer:4711`."""
    made = [
        caller.pseudonym(identified, b"k" * 32)
        for identified in (Identified(CALLER), Identified("4711", customer=True))
    ]
    assert [digest.hex() for digest in made] == [
        "b1eb8b9c61f8ffbc1eeca945651bf8f4cde8d9451b723f409a3ea0dcf56c66db",
        "8e9d377505f49126689f76eac02f720b6bc0c63d1b788e6497d5cb9331f1890f",
    ]


@given(st.binary(max_size=200), st.text(max_size=80))
def test_pseudonym_is_an_hmac_by_any_key(key: bytes, number: str) -> None:
    """For keys shorter and longer than a block it is what Python's own HMAC makes."""
    made = hmac.digest(key, b"customer:" + number.encode(errors="replace"), "sha256")
    assert caller.pseudonym(Identified(number, customer=True), key) == made


def test_customer_number_in_a_broken_encoding_has_a_pseudonym_too() -> None:
    """What cannot be encoded does not end the call: half a character counts as a question mark."""
    odd, marked = (Identified(name, customer=True) for name in ("47\udce9", "47?"))
    assert caller.pseudonym(odd, b"k" * 32) == caller.pseudonym(marked, b"k" * 32)


def test_mask_shows_too_little_to_call() -> None:
    """A masked number cannot be called back."""
    assert caller.mask(CALLER) == "+39…67"
    assert caller.mask("1234567") == "…"
    assert caller.mask("12345678") == "123…78"


def test_restricted_number_may_be_trusted() -> None:
    """A line's explicit setting recognises callers who asked for their number not to be shown."""
    given = incoming(presentation=32)
    assert caller.recognise(given, line(trust_restricted=True)) == Identified(CALLER, "IT")
    assert caller.recognise(incoming("", presentation=32), line(trust_restricted=True)) == Unidentified(
        Reason.WITHHELD
    )


@pytest.mark.parametrize(
    ("verification", "vouched"),
    [
        ("", Vouched.NOBODY),
        ("Verification Not Present", Vouched.NOBODY),
        ("missing_identity_hdr", Vouched.NOBODY),
        ("disabled", Vouched.NOBODY),
        ("No-TN-Validation", Vouched.NOBODY),
        ("TN-Validation-Passed-C", Vouched.NOBODY),
        ("Verification Passed", Vouched.SIGNATURE),
        ("success", Vouched.SIGNATURE),
        ("TN-Validation-Passed", Vouched.SIGNATURE),
        ("TN-Validation-Passed-A", Vouched.SIGNATURE),
        ("Signature Failed", None),
        ("Verification Mismatch", None),
        ("signature_validation", None),
        ("cid_orig_tn_mismatch", None),
        ("cert_retrieval_failure", None),
        ("TN-Validation-Failed", None),
    ],
)
def test_i1_failed_verification_is_not_recognised(verification: str, vouched: Vouched | None) -> None:
    """I1: a number that the network found wrong, or could not check, is not the caller's; GDPR art. 5(1)(d):
    one that it found right is recognised as such."""
    recognised = caller.recognise(incoming(options={"verification": verification}), line())
    right = Identified(CALLER, "IT", vouched=vouched or Vouched.NOBODY)
    assert recognised == (right if vouched else Unidentified(Reason.UNVERIFIED))


def test_i1_unknown_word_of_the_network_is_a_doubt_that_a_setting_settles() -> None:
    """I1: what nobody understands makes nobody known, and is told; the configuration may say what it means,
    also of a word that is known."""
    given = incoming(options={"verification": "Numero-OK"})
    assert caller.recognise(given, line()) == Unidentified(Reason.UNVERIFIED, "Numero-OK")
    assert caller.recognise(incoming(options={"verification": "x" * 500}), line()).doubt == "x" * 60
    for word, vouched in (
        (NumberVerification.PASSED, Vouched.SIGNATURE),
        (NumberVerification.ABSENT, Vouched.NOBODY),
    ):
        own = line(verification={"numero ok": word})
        assert caller.recognise(given, own) == Identified(CALLER, "IT", vouched=vouched)
    assert caller.recognise(
        given, line(verification={"numero ok": NumberVerification.FAILED})
    ) == Unidentified(Reason.UNVERIFIED)
    strict = line(verification={"verification not present": NumberVerification.FAILED})
    given = incoming(options={"verification": "Verification Not Present"})
    assert caller.recognise(given, strict) == Unidentified(Reason.UNVERIFIED)


@pytest.mark.parametrize(
    ("presentation", "vouched"),
    [(0, Vouched.NOBODY), (1, Vouched.NETWORK), (3, Vouched.NETWORK)],
)
def test_screening_says_who_vouches_for_the_number(presentation: int, vouched: Vouched) -> None:
    """GDPR art. 5(1)(d): the two lowest bits of Q.931's octet say whether the network checked the number or
    gave it."""
    recognised = caller.recognise(incoming(presentation=presentation), line())
    assert recognised == Identified(CALLER, "IT", vouched=vouched)


@pytest.mark.parametrize(
    ("number", "landline"),
    [("+390212345678", True), ("+12125550123", True), (CALLER, False), ("+4915123456789", False)],
)
def test_landlines_may_be_taken_as_shared(number: str, landline: bool) -> None:
    """GDPR art. 5(1)(d): by a setting whoever rings from a landline is nobody in particular; in America,
    where numbers do not show it, from any."""
    assert isinstance(caller.recognise(incoming(number), line()), Identified)
    recognised = caller.recognise(incoming(number), line(landlines_shared=True))
    assert isinstance(recognised, Identified) is not landline
    assert not landline or recognised == Unidentified(Reason.SHARED)


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("Verification Passed", True),
        ("verification-passed", True),
        ("verific\u0430tion passed", False),  # a Cyrillic a
        ("verification passed 2", False),
        ("verification passed2", False),
        ("vérification passed", False),
        ("TN-Validation-Passed-A", True),
    ],
)
def test_i1_word_with_other_letters_is_another_word(word: str, known: bool) -> None:
    """I1: what only looks like the network's word vouches for nobody."""
    recognised = caller.recognise(incoming(options={"verification": word}), line())
    assert isinstance(recognised, Identified) is known


def test_i5_number_among_the_networks_words_is_masked() -> None:
    """I5: nobody understands them, and they go to the log."""
    given = incoming(options={"verification": f"passed {CALLER} tel:333 12 34 567"})
    unverified = caller.recognise(given, line())
    assert unverified == Unidentified(Reason.UNVERIFIED, "passed +############ tel:### ## ## ###")
    spread = "".join(f"x{digit}" for digit in CALLER.removeprefix("+"))
    unverified = caller.recognise(incoming(options={"verification": spread}), line())
    assert unverified == Unidentified(Reason.UNVERIFIED, "x#" * 12)


def test_line_may_require_a_signed_number() -> None:
    """Whoever rings with another is nobody in particular; a customer by his own number is known."""
    own = line(requires_signature=True)
    for word, recognised in (("verification passed", True), ("", False), ("verification not present", False)):
        identity = caller.recognise(incoming(options={"verification": word}), own)
        assert isinstance(identity, Identified) is recognised
        assert recognised or identity == Unidentified(Reason.UNVERIFIED)
    customer = caller.recognise(incoming(options={"customer": "K-1"}), own)
    assert isinstance(customer, Identified)


@pytest.mark.parametrize("shared", ["+393331234567", "+39333*", "+39333123456*"])
def test_i1_shared_numbers_are_never_recognised(shared: str) -> None:
    """I1: a switchboard's number or range stands for nobody in particular."""
    assert caller.recognise(incoming(), line(shared=(shared,))) == Unidentified(Reason.SHARED)
    for other in ("+393391234567", "+393470000001") + ("+393331234568",) * (not shared.endswith("*")):
        assert caller.recognise(incoming(other), line(shared=(shared,))) == Identified(other, "IT")


def test_customer_number_takes_the_place_of_the_caller_id() -> None:
    """A customer the dialplan knows is recognised with a withheld number, in a space of his own."""
    identity = caller.recognise(incoming("", presentation=32, options={"customer": CALLER}), line())
    assert identity == Identified(CALLER, customer=True, vouched=Vouched.DIALPLAN)
    assert caller.pseudonym(identity, b"k" * 32) != caller.pseudonym(Identified(CALLER), b"k" * 32)


def test_fingerprint_tells_keys_apart_and_nothing_of_them() -> None:
    """The first eight bytes of an HMAC over one word, in hexadecimal, as backups compare them."""
    assert caller.fingerprint(b"k" * 32) == "fa506d822503e934"
    assert caller.fingerprint(b"o" * 32) != "fa506d822503e934"


def test_subject_of_a_customer_is_hashed_unless_asked_for() -> None:
    """A customer number has a space of its own, and stands in clear only by setting, and if it is no
    number."""
    numbers, customers = Hook("https://x", KEY), Hook("https://x", KEY, by_customer=True)
    customer = Identified("C-77", customer=True)
    assert caller.hook_subject(customer, numbers) == hmac.digest(KEY, b"customer:C-77", "sha256").hex()
    assert caller.hook_subject(customer, customers) == "C-77"
    digits = Identified("3331234567", customer=True)
    assert caller.hook_subject(digits, customers) == hmac.digest(KEY, b"customer:3331234567", "sha256").hex()
    hashed = hmac.digest(KEY, CALLER.encode(), "sha256").hex()
    assert caller.hook_subject(Identified(CALLER), customers) == hashed
    longest, longer = (Identified("C" * length, customer=True) for length in (100, 101))
    assert caller.hook_subject(longest, customers) == longest.number
    assert len(caller.hook_subject(longer, customers)) == 64
    assert caller.hook_subject(customer, Hook("https://x", b"")) == ""


def test_subject_of_a_customer_number_that_is_no_text() -> None:
    """Bytes that are no UTF-8 come from the dialplan as half characters, and go out as question marks."""
    numbers, customers = Hook("https://x", KEY), Hook("https://x", KEY, by_customer=True)
    customer = Identified("C-\udc80", customer=True)
    assert caller.hook_subject(customer, customers) == "C-?"
    assert caller.hook_subject(customer, numbers) == hmac.digest(KEY, b"customer:C-?", "sha256").hex()
