"""The values that leaves commit to: an event with a value in each field, the name of its log, and texts of
all kinds."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from examples import AT
from informativa.model import Ending, Event, Heard, Reason, RecordKind, Status, Vouched

EVENT = Event(
    at=AT,
    call="1700000000.1",
    line="+390212345678",
    pseudonym=b"\x11" * 32,
    notice="privacy",
    version="3",
    language="it",
    purposes=frozenset({"service", "billing"}),
    status=Status.PARTIAL,
    reason=Reason.NEW_PURPOSE,
    prompt="/p/it/short",
    heard=Heard(Ending.KEY, 18_000, 76_000, 8000, "#"),
    basis=41,
    linked="1700000000.0",
    wanted="de",
    kind=RecordKind.PHONE,
    reference="contract 7",
    recorded=AT + timedelta(minutes=2, microseconds=5),
    vouched=Vouched.NETWORK,
    recording="ab" * 32,
    supplement=True,
    counts=False,
    earlier=b"\x22" * 32,
)
LOG = "example.org/informativa/acme/box/1"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    st.sampled_from('"\\/\x00\x1f\b\t\n\f\r\x7f\u2028\ufeffè€😀𝄞'), max_size=12
)
