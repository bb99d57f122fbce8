"""The SIPp scenario of one caller, and the message that makes it hang up.

SIPp (3.6 and 3.8 were tried) does the signalling: it retransmits, answers, and follows the dialog. It has
no notion of "hang up now", so the scenario takes an INFO request inside its own dialog as that order, at
any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .rtp import CODECS, EVENTS

_REFUSALS = (
    *(
        300,
        301,
        302,
        305,
        380,
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        407,
        408,
        410,
        413,
        414,
        415,
        416,
        420,
        421,
        422,
    ),
    *(
        423,
        433,
        480,
        481,
        482,
        483,
        484,
        485,
        486,
        487,
        488,
        489,
        491,
        493,
        494,
        500,
        501,
        502,
        503,
        504,
        505,
        513,
    ),
    *(580, 600, 603, 604, 606, 607),
)


@dataclass(frozen=True)
class Caller:
    """The caller as the INVITE has it; bytes, because nothing makes a real one send valid UTF-8."""

    sender: bytes
    """The From header's value without its tag."""
    headers: Sequence[bytes] = ()
    """Whole further header lines."""


def address(user: bytes | None, host: str, name: bytes | None) -> bytes:
    """A name-addr (RFC 3261 20.20); quotes and backslashes of ``name`` are escaped, all else is left.

    A line break may stand in ``name`` only as RFC 3261 allows it, folded: followed by a space or a tab
    (Asterisk's SIP stack drops such a message all the same: seen on 16.28 and 22.10).
    """
    if name is not None and re.search(rb"[\r\n](?![ \t\n])|\n(?![ \t])", name):
        raise ValueError("A line break in a name must be followed by a space: SIP folds lines so.")
    quoted = b"" if name is None else b'"' + re.sub(rb'(["\\])', rb"\\\1", name) + b'" '
    return quoted + b"<sip:" + (b"" if user is None else user + b"@") + host.encode() + b">"


def _inert(text: bytes) -> bytes:
    """``text`` such that neither SIPp's keywords nor its XML reader see anything in it."""
    return re.sub(rb"[^\w .,:;=<>@+-]|_", lambda match: b"\\x%02x" % match[0][0], text, flags=re.ASCII)


@dataclass(frozen=True)
class Dialog:
    """The names by which both ends know one call."""

    call_id: str
    to: str
    host: str
    pbx_port: int
    tap_port: int
    """The address of the caller: the lab's relay, which sees all messages."""
    media_port: int
    codec: str

    def order_to_hang_up(self) -> bytes:
        """The INFO that the scenario takes as the order to hang up."""
        return (
            f"INFO sip:lab@{self.host} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.tap_port};branch=z9hG4bK-hangup\r\n"
            f"From: <sip:lab@{self.host}>;tag=lab\r\nTo: <sip:lab@{self.host}>;tag={self.call_id}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: 9 INFO\r\nContent-Length: 0\r\n\r\n"
        ).encode()


def scenario(dialog: Dialog, caller: Caller) -> bytes:
    """The XML that SIPp follows."""
    extra = b"".join(_inert(header) + b"\n" for header in caller.headers)
    contact = f"Contact: <sip:lab@{dialog.host}:{dialog.tap_port}>\nContent-Type: application/sdp\n".encode()

    def send(
        method: str,
        number: int,
        branch: str,
        *,
        to_tag: str = "[peer_tag_param]",
        more: bytes = b"",
        body: bytes = b"",
    ) -> bytes:
        d = dialog
        resent = b"" if method == "ACK" else b' retrans="500"'
        start = (
            f"{method} sip:{d.to}@{d.host}:{d.pbx_port} SIP/2.0\n"
            f"Via: SIP/2.0/UDP {d.host}:{d.tap_port};branch=z9hG4bK-{d.call_id}-{branch};rport\nFrom: "
        ).encode()
        rest = (
            f";tag={d.call_id}\nTo: <sip:{d.to}@{d.host}>{to_tag}\nCall-ID: [call_id]\n"
            f"CSeq: {number} {method}\nMax-Forwards: 70\n"
        ).encode()
        text = start + _inert(caller.sender) + rest + more + b"Content-Length: [len]\n\n" + body
        return b"<send" + resent + b"><![CDATA[\n" + text + b"]]></send>"

    return b"".join(
        (
            b'<?xml version="1.0" encoding="ISO-8859-1"?><scenario name="caller">',
            send("INVITE", 1, "invite", to_tag="", more=contact + extra, body=_offer(dialog)),
            b'<label id="wait"/>' + _take((100, 180, 181, 182, 183), "wait") + _take(_REFUSALS, "refused"),
            b'<recv request="INFO" optional="true" next="cancel"/><recv response="200"/>',
            send("ACK", 1, "ack"),
            b'<label id="up"/><recv request="INFO" optional="true" next="bye"/><recv request="BYE"/>',
            b'<label id="heard-bye"/>' + _OK + b'<nop next="end"/>',
            b'<label id="bye"/>' + send("BYE", 2, "bye"),
            # Both may hang up at the same time.
            b'<recv request="BYE" optional="true" next="heard-bye"/>',
            _take((481,), "end") + b'<recv response="200" next="end"/>',
            b'<label id="cancel"/>' + send("CANCEL", 1, "invite", to_tag=""),
            # A 200 now is for the CANCEL, or for the INVITE if the answer and the CANCEL met on their way.
            b'<label id="cancelled"/>' + _take((100, 180, 181, 182, 183, 481), "cancelled"),
            _take(set(_REFUSALS) - {481, 487}, "refused"),
            b'<recv response="200" optional="true" next="late" test="answer"><action>',
            b'<ereg regexp="INVITE" search_in="hdr" header="CSeq:" assign_to="answer"/></action></recv>',
            b'<recv response="487"/>',
            b'<label id="refused"/>' + send("ACK", 1, "invite") + b'<nop next="end"/>',
            b'<label id="late"/>' + send("ACK", 1, "ack") + b'<nop next="bye"/>',
            b'<label id="end"/><nop/></scenario>',
        )
    )


_OK = (
    b"<send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
    b"Content-Length: 0\n\n]]></send>"
)


def _take(codes: Iterable[int], label: str) -> bytes:
    """Elements that go on at ``label`` when one of these responses comes."""
    one = '<recv response="{}" optional="true" next="{}"/>'
    return "".join(one.format(code, label) for code in sorted(codes)).encode()


def _offer(dialog: Dialog) -> bytes:
    """The session description: one codec, and keys as telephone events."""
    kind, name = CODECS[dialog.codec], {"alaw": "PCMA", "ulaw": "PCMU"}[dialog.codec]
    return (
        f"v=0\no=lab 1 1 IN IP4 {dialog.host}\ns=-\nc=IN IP4 {dialog.host}\nt=0 0\n"
        f"m=audio {dialog.media_port} RTP/AVP {kind} {EVENTS}\na=rtpmap:{kind} {name}/8000\n"
        f"a=rtpmap:{EVENTS} telephone-event/8000\na=fmtp:{EVENTS} 0-15\na=ptime:20\na=sendrecv\n"
    ).encode()
