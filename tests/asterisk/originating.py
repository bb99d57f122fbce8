"""Calls that Asterisk itself places, by its manager interface."""

from __future__ import annotations

import socket

from .site import Site


def originate(site: Site, channel: str, other: str = "the-other", **more: str) -> None:
    """Have Asterisk place a call to a line, with ids of our choice; `other` is of the end in the dialplan.
    More headers of the manager's action change the others."""
    actions: tuple[dict[str, str], ...] = (
        {"Action": "Login", "Username": site.pbx.ami_user, "Secret": site.pbx.ami_secret, "Events": "off"},
        {
            "Action": "Originate",
            "Channel": "Local/0212345678@from-lab/n",
            "ChannelId": channel,
            "OtherChannelId": other,
            "Application": "Wait",
            "Data": "20",
            "CallerID": "<+393331234567>",
            "Async": "true",
            **more,
        },
        {"Action": "Logoff"},
    )
    with socket.create_connection((site.pbx.host, site.pbx.ports.ami), 30) as manager:
        for action in actions:
            lines = "".join(f"{name}: {value}\r\n" for name, value in action.items())
            manager.sendall(lines.encode() + b"\r\n")
        output = b"".join(iter(lambda: manager.recv(4096), b""))
    assert output.count(b"Response: Success") == 2, output
