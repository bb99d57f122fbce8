"""Where the proof of what was recorded goes, and who vouches for it: the nouns. Pure."""

from __future__ import annotations

from dataclasses import field, replace
from enum import StrEnum

from ..frozen import dataclass

MINUTE = 60


class TargetKind(StrEnum):
    """What a publishing target is."""

    FOLDER = "folder"
    GIT = "git"  # a clone, whose remote is what counts
    URL = "url"


@dataclass(frozen=True)
class PublishingTarget:
    """A place where logs are published: a path, or an address without its last slash. `independent`: whoever
    administers the ledgers cannot change what is there. `entries`: bundles go there too. `controllers` are
    those whose logs it gets, none for all. `token` is secret."""

    kind: TargetKind
    place: str
    independent: bool = False
    entries: bool = True
    token: str = field(default="", repr=False)
    controllers: tuple[str, ...] = ()


@dataclass(frozen=True)
class WitnessAddress:
    """A witness: its key (a vkey), its submission prefix without its last slash, and for whom it is."""

    key: str
    url: str
    controllers: tuple[str, ...] = ()


@dataclass(frozen=True)
class TimestampAuthority:
    """Who stamps the time (RFC 3161), and the file with the certificates of its root."""

    url: str
    certificates: str


@dataclass(frozen=True)
class EvidenceSettings:
    """All of it. `interval` is in seconds, `quorum` is `any`, `all` or a number of witnesses."""

    domain: str = ""
    box: str = ""
    interval: int = MINUTE
    targets: tuple[PublishingTarget, ...] = ()
    witnesses: tuple[WitnessAddress, ...] = ()
    quorum: str = "any"
    timestamp: TimestampAuthority | None = None

    def of(self, controller: str) -> EvidenceSettings:
        """What of it is for one controller's log."""
        return replace(
            self,
            targets=tuple(each for each in self.targets if controller in (each.controllers or (controller,))),
            witnesses=tuple(
                each for each in self.witnesses if controller in (each.controllers or (controller,))
            ),
        )

    @property
    def enough(self) -> int:
        """How many of the witnesses must have signed; 0 where there are none."""
        if not self.witnesses:
            return 0
        named = {"any": 1, "all": len(self.witnesses)}
        return named[self.quorum] if self.quorum in named else int(self.quorum)
