"""The shape of the section `web`, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from ..model import Role
from .forms import (
    Address,
    File,
    HostName,
    Identifier,
    Need,
    Network,
    PlainText,
    Scope,
    ServerUrl,
    seconds,
)


class ProxySettings(BaseModel, extra="forbid", frozen=True):
    """A web server in front of the pages, which speaks TLS."""

    addresses: Annotated[list[Network], Field(min_length=1)]
    client: Literal["X-Forwarded-For", "Forwarded"] = "X-Forwarded-For"


class OidcGrantSettings(BaseModel, extra="forbid", frozen=True):
    """A role that a value of the claim for roles stands for."""

    value: PlainText
    controller: Identifier
    role: Role


class OidcSettings(BaseModel, extra="forbid", frozen=True):
    """The identity provider (OpenID Connect) at which people log in to the pages."""

    issuer: ServerUrl
    client: PlainText
    secret: File
    url: ServerUrl
    scopes: list[Scope] = ["openid"]
    name: PlainText = "preferred_username"
    roles: PlainText = "groups"
    grants: Annotated[list[OidcGrantSettings], Field(min_length=1)]
    longest: Annotated[int, BeforeValidator(seconds)] = 8 * 3600


class SecondFactorSettings(BaseModel, extra="forbid", frozen=True):
    """The roles that need more than a password."""

    reader: Need = "optional"
    compliance: Need = "optional"
    admin: Need = "optional"


class WebSettings(BaseModel, extra="forbid", frozen=True):
    """The pages for people who use no shell."""

    listen: Address = "127.0.0.1:4591"
    certificate: File | None = None
    key: File | None = None
    names: list[HostName] = []
    folder: File = "web"
    idle: Annotated[int, BeforeValidator(seconds)] = 1800
    proxy: ProxySettings | None = None
    oidc: OidcSettings | None = None
    second_factor: SecondFactorSettings = SecondFactorSettings()
