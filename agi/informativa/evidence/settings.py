"""The settings for logs: publishing targets and witnesses. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..model.frozen import dataclass

MINUTE = 60


@dataclass(frozen=True)
class PublishingTarget:
    """A folder in which logs are published. `independent`: the administrators of the ledgers cannot change
    the files there. `entries`: bundles go there too. `controllers` are those whose logs it gets, none for
    all."""

    place: str
    independent: bool = False
    entries: bool = True
    controllers: tuple[str, ...] = ()


@dataclass(frozen=True)
class WitnessAddress:
    """A witness: its key (a vkey), its submission prefix without its last slash, and the controllers whose
    logs it signs, none for all."""

    key: str
    url: str
    controllers: tuple[str, ...] = ()


def _is_for(place: PublishingTarget | WitnessAddress, controller: str) -> bool:
    return not place.controllers or controller in place.controllers


@dataclass(frozen=True)
class EvidenceConfig:
    """All settings for logs. `interval` is in seconds, `quorum` is `any`, `all` or a number of witnesses."""

    domain: str = ""
    box: str = ""
    interval: int = MINUTE
    targets: tuple[PublishingTarget, ...] = ()
    witnesses: tuple[WitnessAddress, ...] = ()
    quorum: str = "any"

    def for_controller(self, controller: str) -> EvidenceConfig:
        """Return the settings for one controller's log."""
        return replace(
            self,
            targets=tuple(target for target in self.targets if _is_for(target, controller)),
            witnesses=tuple(witness for witness in self.witnesses if _is_for(witness, controller)),
        )

    @property
    def required_witnesses(self) -> int:
        """The number of witnesses that must have signed; 0 without witnesses."""
        if not self.witnesses:
            return 0
        named = {"any": 1, "all": len(self.witnesses)}
        return named[self.quorum] if self.quorum in named else int(self.quorum)
