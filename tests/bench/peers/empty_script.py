"""An empty classic AGI script over pyst2: it reads the environment and sets one variable."""

from __future__ import annotations

import io

from asterisk.agi import AGI

AGI(stderr=io.StringIO()).set_variable("INFORMATIVA_STATUS", "NOTDUE")
