"""The pages of a company, as every page of it lists them."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Role
from ..model.text import Text


@dataclass(frozen=True)
class MenuEntry:
    """A page: the part of its address after the company, its label, and the least role that may see it."""

    part: str
    label: Text
    role: Role = Role.READER


MENU = (
    MenuEntry("today", Text("Today")),
    MenuEntry("calls", Text("Calls")),
    MenuEntry("caller", Text("A caller"), Role.COMPLIANCE),
    MenuEntry("notices", Text("Notices")),
    MenuEntry("what-if", Text("What if")),
    MenuEntry("evidence", Text("Evidence"), Role.COMPLIANCE),
    MenuEntry("looked", Text("Access log"), Role.COMPLIANCE),
    MenuEntry("company", Text("Company")),
)
