"""The AGI protocol: bytes to values and back."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from informativa.call import agi
from informativa.model.errors import ProtocolError

ENVIRONMENT = b"""agi_network: yes
agi_network_script: notice?x=1
agi_request: agi://127.0.0.1:4588/notice?x=1
agi_channel: PJSIP/lab-00000001
agi_language: it
agi_type: PJSIP
agi_uniqueid: 1700000000.7
agi_version: 22.10.1
agi_callerid: +393331234567
agi_calleridname: %s
agi_callingpres: 3
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 0212345678
agi_rdnis: unknown
agi_context: informativa
agi_extension: s
agi_priority: 6
agi_enhanced: 0.0
agi_accountcode:
agi_threadid: 139
agi_arg_1: 0212345678
agi_arg_2: language=de

"""


def test_environment_is_read() -> None:
    """Everything that a call is answered by is found in what Asterisk sends."""
    call = agi.parse_environment(ENVIRONMENT % b"Mario Rossi")
    assert call.id == "1700000000.7"
    assert call.line == "0212345678"
    assert call.number == "+393331234567"
    assert call.presentation == 3
    assert call.language == "it"
    assert call.script == "notice"
    assert call.options == {"language": "de"}
    assert not call.ambiguous


def test_options_are_read_by_their_names() -> None:
    """Each of the dialplan's arguments after the line is found under its name; the conversation's id is as
    harmless as the call's."""
    raw = ENVIRONMENT.rstrip(b"\n") + b"\nagi_arg_3: linked=1700000000.3\nagi_arg_4: heard=privacy:1 a=b\n\n"
    call = agi.parse_environment(raw % b"x")
    assert (call.id, call.linked) == ("1700000000.7", "1700000000.3")
    assert call.options["heard"] == "privacy:1 a=b"
    forged = agi.parse_environment(raw.replace(b"1700000000.3", b"3331234567.1") % b"x")
    assert forged.linked == "##########.#"
    assert agi.parse_environment(ENVIRONMENT % b"x").linked == ""


@pytest.mark.parametrize(
    "name",
    [b'"; DROP', rb"back\slash", b"Latin-1 \xe8\xff", "UTF-8 è 😀".encode(), b"a: b: c", b"", b"x" * 4000],
)
def test_caller_id_name_changes_nothing(name: bytes) -> None:
    """No caller-ID name, whatever its bytes, changes what else is read."""
    call = agi.parse_environment(ENVIRONMENT % name)
    assert (call.number, call.line, call.presentation) == ("+393331234567", "0212345678", 3)
    assert not call.ambiguous


@pytest.mark.parametrize(
    "smuggled",
    [
        "agi_callerid: +390000",
        "agi_arg_1: 0299999999",
        "agi_arg_0: 0299999999",
        "agi_arg_01: 0299999999",
        "agi_arg_3: action=read",
        "agi_request: evil",
        "agi_threadid: 1\nagi_arg_1: 0299999999\nagi_arg_2: action=read",
        "no variable at all",
    ],
)
def test_smuggled_variables_do_not_count_and_are_noticed(smuggled: str) -> None:
    """A line break in the name forges neither number nor line, and leaves a marked call without options."""
    call = agi.parse_environment(ENVIRONMENT % f"x\n{smuggled}".encode())
    assert (call.number, call.line) == ("+393331234567", "0212345678")
    assert call.ambiguous
    assert call.options == {}


@pytest.mark.parametrize(
    ("sent", "taken"),
    [(b"0", 0), (b"", 0), (b"35", 35), (b"abc", 67), (b"-1", 67), (b"0x43", 67), (b"9" * 9, 67)],
)
def test_i1_unreadable_presentation_is_not_taken_for_allowed(sent: bytes, taken: int) -> None:
    """I1: what cannot be read as a presentation counts as unavailable."""
    raw = (ENVIRONMENT % b"x").replace(b"callingpres: 3", b"callingpres: " + sent)
    assert agi.parse_environment(raw).presentation == taken


@pytest.mark.parametrize(
    ("sent", "call_id"),
    [
        ("1795531918.0", "1795531918.0"),
        ("pbx-1795531918.12", "pbx-1795531918.12"),
        ("pbx01-1795531918.12", "pbx01-1795531918.12"),
        ("ip-172-31-20-105-1795531918.12", "ip-###-##-##-###-1795531918.12"),
        ("3331234567.1", "##########.#"),
        ("1795531918.333123456", "##########.#########"),
        ("+393331234567", "_############"),
        ("333-123-4567", "###-###-####"),
        ("+39.333.1234567", "_##.###.#######"),
        ("333 123 4567", "###_###_####"),
        ("3a3b3c1d2e34567", "#a#b#c#d#e#####"),
        ('a,b"c|d=e', "a_b_c_d_e"),
        ("x" * 500, "x" * 64),
    ],
)
def test_i5_call_id_is_harmless_wherever_it_goes(sent: str, call_id: str) -> None:
    """I5: an id that somebody chose holds no number and nothing that a command would misread."""
    raw = (ENVIRONMENT % b"x").replace(b"1700000000.7", sent.encode())
    assert agi.parse_environment(raw).id == call_id


def test_number_is_not_in_repr() -> None:
    """I5: a call that is printed by mistake does not show its caller's number."""
    assert "3331234567" not in repr(agi.parse_environment(ENVIRONMENT % b"x"))


@pytest.mark.parametrize("raw", [b"\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"agi_: \n\n", b"\xff\xfe\n\n"])
def test_peer_that_is_no_asterisk_is_refused(raw: bytes) -> None:
    """A peer that does not speak AGI is a ProtocolError, not a call."""
    with pytest.raises(ProtocolError):
        agi.parse_environment(raw)


@pytest.mark.parametrize("name", [b"x\n", b"x\n\n200 result=0 endpos=12000", b"\n\nHANGUP"])
def test_environment_that_a_name_ended_is_refused(name: bytes) -> None:
    """An empty line in a name cannot pass off half an environment as a call, nor what follows as replies."""
    parts = agi.split_environment(ENVIRONMENT % name)
    assert parts is not None
    with pytest.raises(ProtocolError, match="does not send an AGI environment"):
        agi.parse_environment(parts[0])
    with pytest.raises(ProtocolError, match="before it was sent"):
        agi.ReplyReader().unasked(parts[1])


def test_environment_is_awaited_to_its_end() -> None:
    """Until its empty line has come there is no environment; what follows it is kept."""
    assert agi.split_environment(ENVIRONMENT[:-1]) is None
    assert agi.split_environment(ENVIRONMENT) == (ENVIRONMENT[:-2], b"")
    assert agi.split_environment(ENVIRONMENT + b"HANGUP\n") == (ENVIRONMENT[:-2], b"HANGUP\n")
    with pytest.raises(ProtocolError):
        agi.split_environment(b"x" * (agi.MAX_ENVIRONMENT + 1))


@pytest.mark.parametrize("cut", range(1, 8))
def test_hangup_may_come_in_two_pieces(cut: int) -> None:
    """A HANGUP before a command is noticed, wherever a packet ended."""
    reader = agi.ReplyReader()
    reader.unasked(b"HANGUP\n"[:cut])
    assert reader.hung_up
    for line in (b"HANGUP\n"[cut:] + b"200 result=1\n").splitlines(keepends=True):
        reply = reader.feed(line)
    assert reply == agi.Reply(200, 1)


@given(st.binary(max_size=2000))
def test_any_environment_gives_a_call_or_a_protocol_error(raw: bytes) -> None:
    """No bytes raise anything else."""
    with contextlib.suppress(ProtocolError):
        agi.parse_environment(raw)


LINES = (ENVIRONMENT % b"Mario Rossi").rstrip(b"\n").split(b"\n")
TOLD = [
    b"agi_arg_%d: %s=" % number_and_name
    for number_and_name in enumerate((name.encode() for name in agi._CALL_OPTIONS), 2)
]
PIECES = (
    b"agi_arg_3: linked=1.1",
    b"agi_arg_2: linked=1700000000.7",
    b"agi_arg_1: x",
    b"agi_threadid: 1",
    b"a",
    b"",
)


@st.composite
def environments(draw: st.DrawFn) -> bytes:
    """An environment of Asterisk's with some lines, or bytes in them, changed, left out or doubled."""
    lines = list(draw(st.sampled_from([LINES, LINES[:-1] + TOLD])))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(lines) - 1) | st.integers(len(lines) - 3, len(lines) - 1))
        written = st.sampled_from(lines[place:] + list(PIECES)) | st.binary(max_size=12).map(
            lambda added, line=lines[place]: line[: draw(st.integers(8, 40))] + added  # type: ignore[misc]
        )
        lines[place : place + draw(st.integers(0, 1))] = draw(st.lists(written, max_size=2))
    return b"\n".join(lines) + draw(st.sampled_from([b"", b"\n", b"\n\n", b"\r\n", b" \n"]))


def read(parse: Callable[[bytes], object], raw: bytes) -> object:
    """Return the result of parsing, or the words of its error."""
    try:
        return parse(raw)
    except ProtocolError as error:
        return str(error)


@given(environments() | st.binary(max_size=300))
def test_quick_way_and_long_way_read_the_same(raw: bytes) -> None:
    """Any bytes are the same call, number and all, or the same error, whether or not they look usual."""
    event("quick" if agi._usual_environment().fullmatch(raw.decode("latin-1")) else "long")
    assert read(agi.parse_environment, raw) == read(agi._parse_any, raw)


def test_usual_environment_is_read_the_quick_way() -> None:
    """Asterisk's own, with our options or none and any name in ASCII, with one expression."""
    bare = b"\n".join(LINES[:-1])
    with_options = b"\n".join([*LINES[:-1], *TOLD])
    for raw in (
        bare,
        bare + b"\n",
        with_options,
        with_options + b"a b ",
        with_options.replace(b"=\n", b"= a b \n") + b"\n\n",
    ):
        usual = agi._usual_environment().fullmatch(raw.decode())
        assert usual is not None
        assert agi._parse_usual(*usual.groups()) == agi._parse_any(raw)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("language", "de1", "de"),
        ("verification", "passed 3331234567", "passed 0000000000"),
        ("linked", "1700000000.8", "1700000000.8"),
    ],
)
def test_i5_quick_way_passes_no_number(name: str, value: str, expected: str) -> None:
    """I5: nor does a line that gives all options in the shipped dialplan's order, nor an id."""
    raw = b"\n".join([*LINES[:-1], *TOLD]).replace(f"{name}=".encode(), f"{name}={value}".encode())
    usual = agi._usual_environment().fullmatch(raw.replace(b"+393331234567", b"+391700000000").decode())
    assert usual is not None
    call = agi._parse_usual(*usual.groups())
    assert call.options[name] == expected
    assert "1700000000" not in call.id + call.linked


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("ANSWER",), b"ANSWER\n"),
        (("STREAM FILE", "/p/it short", "1", "0"), b'STREAM FILE "/p/it short" "1" "0"\n'),
        (("SET VARIABLE", "A", 'a "b" \\c'), b'SET VARIABLE "A" "a \\"b\\" \\\\c"\n'),
        (("VERBOSE", "è", "1"), 'VERBOSE "è" "1"\n'.encode()),
    ],
)
def test_arguments_are_quoted(words: tuple[str, ...], line: bytes) -> None:
    """Arguments are quoted as Asterisk's parser takes them apart."""
    assert agi.command(*words) == line


@pytest.mark.parametrize("word", ["a\nEXEC System x", "a\rb", "a\0b"])
def test_no_second_command_in_an_argument(word: str) -> None:
    """An argument with a line break is refused: it would be a command of its own."""
    with pytest.raises(ValueError, match="line break"):
        agi.command("SET VARIABLE", "A", word)


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"200 result=0\n"], agi.Reply(200, 0)),
        ([b"200 result=0 endpos=12000\n"], agi.Reply(200, 0, 12000)),
        ([b"200 result=57 endpos=3360\r\n"], agi.Reply(200, 57, 3360)),
        ([b"200 result=-1 endpos=20160\n"], agi.Reply(200, -1, 20160)),
        ([b"200 result=1 (value endpos=3)\n"], agi.Reply(200, 1)),
        ([b"HANGUP\n", b"200 result=1\n"], agi.Reply(200, 1)),
        ([b"100 Trying...\n", b"200 result=1\n"], agi.Reply(200, 1)),
        ([b"510 Invalid or unknown command\n"], agi.Reply(510, -1)),
        ([b"511 result=0 endpos=80000\n"], agi.Reply(511, -1)),
        ([b"511 Command Not Permitted on a dead channel or intercept routine\n"], agi.Reply(511, -1)),
        ([b"520 Invalid command syntax.\n"], agi.Reply(520, -1)),
        (
            [
                b"520-Invalid command syntax.  Proper usage follows:\n",
                b"Usage: STREAM FILE\n",
                b"200 result=0\n",
                b"HANGUP\n",
                b"520 End of proper usage.\n",
            ],
            agi.Reply(520, -1),
        ),
    ],
)
def test_replies(lines: list[bytes], reply: agi.Reply) -> None:
    """Every form of reply that Asterisk 16 and 22 give is understood; the last line completes it."""
    reader = agi.ReplyReader()
    *earlier, last = [reader.feed(line) for line in lines]
    assert earlier == [None] * (len(lines) - 1)
    assert last == reply
    assert reader.hung_up == (b"HANGUP\n" in lines)


@pytest.mark.parametrize(
    "line", [b"\n", b"hello\n", b"200\n", b"200 OK\n", b"200 result=x\n", b"20 result=1\n"]
)
def test_lines_that_are_no_reply(line: bytes) -> None:
    """A line that no Asterisk sends is a ProtocolError."""
    with pytest.raises(ProtocolError):
        agi.ReplyReader().feed(line)


@given(st.lists(st.binary(max_size=200).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=20))
def test_any_lines_give_replies_or_a_protocol_error(lines: list[bytes]) -> None:
    """No bytes raise anything else."""
    reader = agi.ReplyReader()
    with contextlib.suppress(ProtocolError):
        for line in lines:
            reader.feed(line)


@pytest.mark.parametrize("unread", [b"HANGUP\n", b"HANG", b"H"])
def test_hangup_right_behind_a_reply_is_noticed(unread: bytes) -> None:
    """Data in the same packet as a reply are read, and completed by the next packet."""
    reader = agi.ReplyReader()
    assert reader.feed(b"200 result=0\n" + unread) == agi.Reply(200, 0)
    assert reader.hung_up
    assert reader.feed(b"HANGUP\n"[len(unread) :] + b"200 result=1\n") == agi.Reply(200, 1)


@pytest.mark.parametrize("unread", [b"200 result=1\n", b"2", b"\n", b"HANGUP\n200 result=1\n", b"HANGUPS"])
def test_more_than_one_reply_at_once_is_somebody_elses(unread: bytes) -> None:
    """Nothing but a HANGUP may follow a reply: another would pass for that of the next command."""
    with pytest.raises(ProtocolError, match="before it was sent"):
        agi.ReplyReader().feed(b"200 result=0\n" + unread)


def test_reply_that_began_in_an_earlier_packet_goes_on() -> None:
    """A text like the usual reply is the end of another reply if a line has begun."""
    reader = agi.ReplyReader()
    assert reader.feed(b"510 Invalid ") is None
    assert reader.feed(b"200 result=0\n") == agi.Reply(510, -1)


def test_length_of_a_reply_counts_from_the_one_before() -> None:
    """A long call's replies are not added up."""
    reader = agi.ReplyReader()
    for _ in range(100):
        assert reader.feed(b"200 result=1 (" + b"x" * 1000 + b")\n") == agi.Reply(200, 1)


@pytest.mark.parametrize(
    "options",
    [
        ("linked=1.1", "linked=2.2"),
        ("language=it", "language=it"),
        ("config=/evil.yaml",),
        ("linked=1.1", "action=read", "operator=", "action=read"),
        ("Action=read",),
        ("",),
    ],
)
def test_i8_options_that_our_dialplan_does_not_write_do_not_count(options: tuple[str, ...]) -> None:
    """I8: an option that comes twice or has no name of ours was smuggled in: none counts."""
    sent = "".join(f"agi_arg_{number}: {option}\n" for number, option in enumerate(options, 2))
    call = agi.parse_environment((ENVIRONMENT % b"x").replace(b"agi_arg_2: language=de\n", sent.encode()))
    assert (call.ambiguous, call.options) == (True, {})


@pytest.mark.parametrize(
    ("script", "token", "route"),
    [
        (b"notice", b"", "notice"),
        (b"notice/00ff", b"00ff", "notice"),
        (b"notice/00ff?x=1", b"00ff", "notice"),
        (b"notice/", b"", "notice"),
        (b"status/a/b", b"a/b", "status"),
        (b"", b"", ""),
    ],
)
def test_token_is_what_follows_the_scripts_name(script: bytes, token: bytes, route: str) -> None:
    """The token stands where only the dialplan writes, and is no part of what is kept of the call."""
    raw = (ENVIRONMENT % b"x").replace(b"notice?x=1\nagi_request", script + b"\nagi_request")
    assert agi.token(raw) == token
    call = agi.parse_environment(raw)
    assert call.script == route
    assert "00ff" not in repr(call)


def test_i8_token_is_looked_for_nowhere_else() -> None:
    """I8: a line that a caller wrote in, or that comes later, gives no token."""
    for raw in (
        b"agi_network_script: notice/00ff\nagi_network: yes\n",
        b"agi_network: yes\nagi_request: x\nagi_network_script: notice/00ff\n",
        b"\nagi_network: yes\nagi_network_script: notice/00ff\n",
    ):
        assert agi.token(raw) == b""


def test_nothing_is_made_up() -> None:
    """Values that Asterisk left out stay unknown, above all the permission to use a number."""
    call = agi.parse_environment(b"agi_request: x\nagi_threadid: 1\n\n")
    assert (call.id, call.linked, call.line, call.number, call.language, call.script) == ("",) * 6
    assert (call.presentation, call.options, call.ambiguous) == (67, {}, False)


@pytest.mark.parametrize(
    ("line", "option", "expected"),
    [
        ("language=de3331234567", "language", "de"),
        ("language=de-DE\u00df", "language", "deDE"),
        ("language=" + "x" * 300, "language", "x" * 100),
        ("verification=passed 3331234567", "verification", "passed 0000000000"),
        ("verification=Numero-OK \u00e9", "verification", "Numero-OK \u00e9"),
    ],
)
def test_i5_hand_written_line_passes_no_number(line: str, option: str, expected: str) -> None:
    """I5: neither as the language, which goes on record, nor as the network's word, which goes to the log; in
    any place among the options."""
    for earlier_line in ("", "agi_arg_3: linked=1.1\n"):
        raw = ENVIRONMENT[:-1].replace(b"agi_arg_2: language=de\n", b"") % b"x"
        number = 2
        text = raw.decode()
        if earlier_line:
            text, number = text + earlier_line.replace("agi_arg_3", "agi_arg_2"), 3
        call = agi.parse_environment(f"{text}agi_arg_{number}: {line}\n".encode())
        assert call.options[option] == expected


def test_all_options_at_once() -> None:
    """Each of ours may be there; the last keeps its last letter, and blank lines after it are somebody's."""
    options = ("linked=1.1", "heard=a:1", "customer=7", "verification=x", "action=read", "operator=X")
    raw = ENVIRONMENT[:-1] % b"x" + "".join(f"agi_arg_{n}: {o}\n" for n, o in enumerate(options, 3)).encode()
    call = agi.parse_environment(raw)
    assert (len(call.options), call.options["operator"], call.ambiguous) == (7, "X", False)
    assert agi.parse_environment(raw + b"\t\n\n").ambiguous


def test_i5_ids_do_not_hold_the_callers_number() -> None:
    """I5: neither of the two ids shows the number, though as an id of Asterisk's it could stand."""
    raw = (ENVIRONMENT % b"x").replace(b"agi_arg_2: language=de", b"agi_arg_2: linked=1700000000.7")
    for number in (b"1700000000", b"+391700000000"):
        call = agi.parse_environment(raw.replace(b"+393331234567", number))
        assert "1700000000" not in call.id + call.linked


@pytest.mark.parametrize(("sent", "taken"), [(b"999", 999), (b"9999", 67)])
def test_presentation_has_three_digits_at_most(sent: bytes, taken: int) -> None:
    """An octet is written in three; what is longer cannot be read."""
    raw = (ENVIRONMENT % b"x").replace(b"callingpres: 3", b"callingpres: " + sent)
    assert agi.parse_environment(raw).presentation == taken


def test_bounds_of_what_is_read_and_sent() -> None:
    """16,384 bytes of an environment and of a reply in pieces, 2,047 of a command, and not one more."""
    assert agi.split_environment(b"x" * 16_384) is None
    assert error_of(agi.split_environment, b"x" * 16_385) == "A peer sent more than an AGI environment."
    assert len(agi.command("VERBOSE", "x" * 2_036)) == 2_047
    assert error_of(agi.command, "VERBOSE", "x" * 2_037) == "an AGI command cannot be so long"
    reader = agi.ReplyReader()
    assert reader.feed(b"200 result=1\n") == agi.Reply(200, 1)
    for reply_reader in (reader, agi.ReplyReader()):
        assert [reply_reader.feed(b"x" * 4_096) for _piece in range(4)] == [None] * 4
        assert error_of(reply_reader.feed, b"x") == "Asterisk sent a reply without an end."


def error_of(work: Callable[..., object], *arguments: object) -> str:
    """Return the error of a call that is refused."""
    with pytest.raises((ProtocolError, ValueError)) as caught:
        work(*arguments)
    return str(caught.value)


def test_what_is_said_of_peers_and_commands() -> None:
    """The log says in words what was wrong; a line's end alone may have a carriage return."""
    for line in (b"HANGUP \n", b"HANGUPX\n", b"hello\n"):
        assert error_of(agi.ReplyReader().feed, line) == "Asterisk sent a line that is not an AGI reply."
    assert error_of(agi.ReplyReader().feed, b"200 OK\n") == "Asterisk sent an AGI reply without a result."
    assert error_of(agi.ReplyReader().unasked, b"x") == "A peer answered an AGI command before it was sent."
    assert error_of(agi.parse_environment, b"\n") == "A peer connected that does not send an AGI environment."
    assert error_of(agi.command, "VERBOSE", "\n") == "an AGI command cannot carry a line break"
