"""A telephone on a desk, which SIPp cannot be: it holds a caller, asks somebody else by a call of its own,
and joins the two by REFER with Replaces (RFC 3515, RFC 3891). It speaks SIP by itself, and has no sound."""

from __future__ import annotations

import re
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from lab.pbx import Pbx

_PATIENCE = 30.0  # seconds; a fraction of one on an idle machine


@dataclass(frozen=True)
class Message:
    """A SIP message: its first line, its header lines in order, and its body."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """Parse what came in one datagram."""
        head, _, body = data.decode("latin-1").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(start, tuple((name.strip().lower(), value.strip()) for name, _, value in pairs), body)

    def __getitem__(self, name: str) -> str:
        return next((value for other, value in self.headers if other == name), "")

    @property
    def method(self) -> str:
        """The method of a request, or of the request that a response answers."""
        return self["cseq"].partition(" ")[2]

    @property
    def status(self) -> int:
        """The status of a response; 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def contact(self) -> str:
        """The address to which further requests of its dialog go."""
        return re.sub(r".*<([^>]*)>.*", r"\1", self["contact"])


class DeskPhone:
    """The telephone `user` of a PBX, a context manager. It takes each call that comes."""

    def __init__(self, pbx: Pbx, user: str) -> None:
        self._pbx = (pbx.host, pbx.ports.sip)
        self._socket, self._media = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for bound in (self._socket, self._media):
            bound.bind((pbx.host, 0))
        self.address = f"{user}@{pbx.host}:{self._socket.getsockname()[1]}"
        self._own = f"<sip:{user}@{pbx.host}>;tag={secrets.token_hex(8)}"
        self._news, self._messages = threading.Condition(), list[Message]()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> DeskPhone:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()
        self._media.close()

    def ask(self, to: str) -> None:
        """Ring somebody while the first call waits, until he answers."""
        sent = [f"sip:{to}@{self._pbx[0]}:{self._pbx[1]}", self._own, f"<sip:{to}@{self._pbx[0]}>"]
        call = secrets.token_hex(8)
        self._request("INVITE", *sent, call, f"Contact: <sip:{self.address}>", body=self._offer())
        answer = self._wait(lambda message: (message.status >= 200, message["call-id"]) == (True, call))
        assert answer.status == 200, answer.start
        self._request("ACK", answer.contact, self._own, answer["to"], call)

    def join(self) -> None:
        """Join the caller of the first call to who was asked, and wait until the PBX has taken that over."""
        caller = self._wait(lambda message: message.start.startswith("INVITE "))
        asked = self._wait(lambda message: (message.status, message.method) == (200, "INVITE"))
        tags = [re.sub(r".*;tag=", "", asked[name]) for name in ("to", "from")]
        replaced = quote(f"{asked['call-id']};to-tag={tags[0]};from-tag={tags[1]}", safe="")
        goal = re.sub(r"[<>]|;tag=.*", "", asked["to"])
        self._request(
            "REFER",
            caller.contact,
            self._own,
            caller["from"],
            caller["call-id"],
            f"Refer-To: <{goal}?Replaces={replaced}>",
            f"Referred-By: <sip:{self.address}>",
            f"Contact: <sip:{self.address}>",
        )
        answer = self._wait(lambda message: message.status >= 200 and message.method == "REFER")
        assert answer.status == 202, answer.start
        end = self._wait(lambda message: message["subscription-state"].startswith("terminated"))
        assert end.body.startswith("SIP/2.0 200"), end.body
        self._request("BYE", caller.contact, self._own, caller["from"], caller["call-id"], number=2)
        self._request("BYE", asked.contact, self._own, asked["to"], asked["call-id"], number=2)

    def wait_called(self) -> None:
        """Wait for the first call."""
        self._wait(lambda message: message.start.startswith("INVITE "))

    def _wait(self, matches: Callable[[Message], bool]) -> Message:
        """Return the first message of that kind, which may have come already."""

        def first() -> Message | None:
            return next((message for message in self._messages if matches(message)), None)

        with self._news:
            message = self._news.wait_for(first, _PATIENCE)
        assert message, [message.start for message in self._messages]
        return message

    def _listen(self) -> None:
        while data := self._socket.recv(65536):
            message = Message.parse(data)
            if message.start and not message.status and message.method != "ACK":
                self._answer(message)
            with self._news:
                self._messages.append(message)
                self._news.notify_all()

    def _answer(self, request: Message) -> None:
        lines = [
            f"{name}: {value}"
            for name, value in request.headers
            if name in {"via", "from", "call-id", "cseq"}
        ]
        to = request["to"] if ";tag=" in request["to"] else f"{request['to']};{self._own.partition('>;')[2]}"
        body = self._offer() if request.method == "INVITE" else ""
        self._send("SIP/2.0 200 OK", *lines, f"To: {to}", f"Contact: <sip:{self.address}>", body=body)

    def _request(
        self,
        method: str,
        goal: str,
        sender: str,
        to: str,
        call: str,
        *more: str,
        number: int = 1,
        body: str = "",
    ) -> None:
        host = self.address.partition("@")[2]
        self._send(
            f"{method} {goal} SIP/2.0",
            f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{secrets.token_hex(8)};rport",
            f"From: {sender}",
            f"To: {to}",
            f"Call-ID: {call}",
            f"CSeq: {number} {method}",
            "Max-Forwards: 70",
            *more,
            body=body,
        )

    def _send(self, *lines: str, body: str) -> None:
        kind = ["Content-Type: application/sdp"] if body else []
        text = "\r\n".join([*lines, *kind, f"Content-Length: {len(body)}", "", body])
        self._socket.sendto(text.encode("latin-1"), self._pbx)

    def _offer(self) -> str:
        host, port = self._media.getsockname()
        lines = [
            "v=0",
            f"o=- 1 1 IN IP4 {host}",
            "s=-",
            f"c=IN IP4 {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP 8",
        ]
        return "".join(f"{line}\r\n" for line in [*lines, "a=rtpmap:8 PCMA/8000"])
