"""What would happen if this version took over."""

from __future__ import annotations

from ...operations import upgrade_check
from . import doctor


class UpgradeCheck(doctor.Examination):
    """What would happen if this version took over, before it does."""

    version: str
    """That version."""

    @classmethod
    def of_check(cls, found: upgrade_check.UpgradeCheck) -> UpgradeCheck:
        """As it was found."""
        return cls(version=found.version, **dict(doctor.Examination.of(found.examination)))
