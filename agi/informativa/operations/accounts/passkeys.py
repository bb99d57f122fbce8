"""Passkeys (WebAuthn): what is asked of an authenticator, and what is believed of its answer.

py_webauthn reads and checks the answers; it comes with the extra `passkey`. A passkey belongs to the name by
which the browser reached the console, and answers at no other one.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from ...model.errors import AccountError
from ...model.text import Text
from .user_account import Passkey, UserAccount

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

MOST = 10  # of one account
LONGEST_ANSWER = 20_000  # characters
LONGEST_LABEL = 40
_LOCAL = "localhost"  # browsers have passkeys there without encryption, too

T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """The console as a browser knows it: its name, and the origin with protocol and port."""

    name: str
    origin: str


@dataclass(frozen=True)
class PasskeyAnswer:
    """The answer of an authenticator to a challenge, as JSON, and the site that asked."""

    text: str
    challenge: bytes
    site: Site


def installed() -> bool:
    """Return whether the extra `passkey` is on this machine."""
    return importlib.util.find_spec("webauthn") is not None


def site_of(host: str, *, encrypted: bool) -> Site | None:
    """Return the site of a request by its `host`; `None` where there are no passkeys: browsers have none
    without encryption, and none at an address in digits."""
    host = host.lower()
    name = host.partition(":")[0]
    if not installed() or name.rpartition(".")[2].isdigit():
        return None
    if encrypted:
        return Site(name, f"https://{host}")
    return Site(name, f"http://{host}") if name == _LOCAL else None


def of_site(account: UserAccount, site: Site | None) -> tuple[Passkey, ...]:
    """Return the passkeys of an account that answer at a site."""
    return tuple(passkey for passkey in account.passkeys if site and passkey.site == site.name)


def creation_options(account: UserAccount, challenge: bytes, site: Site) -> str:
    """Return what a browser needs to make a passkey, as JSON."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=site.name,
        rp_name="informativa",
        user_name=account.name,
        user_id=sha256(f"informativa {account.name}".encode()).digest(),
        challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.DISCOURAGED,  # few fit on a key
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(account, site),
    )
    return webauthn.options_to_json(options)


def request_options(account: UserAccount, challenge: bytes, site: Site) -> str:
    """Return what a browser needs to have one of the account's passkeys answer, as JSON."""
    import webauthn

    options = webauthn.generate_authentication_options(
        rp_id=site.name, challenge=challenge, allow_credentials=_descriptors(account, site)
    )
    return webauthn.options_to_json(options)


def made_passkey(answer: PasskeyAnswer, label: str, now: datetime) -> Passkey:
    """Return the passkey that an authenticator made. Raises AccountError for an answer to something else."""
    import webauthn
    from webauthn.helpers import bytes_to_base64url

    verified = _believed(
        lambda: webauthn.verify_registration_response(
            credential=answer.text,
            expected_challenge=answer.challenge,
            expected_rp_id=answer.site.name,
            expected_origin=answer.site.origin,
        )
    )
    if verified is None:
        raise AccountError(Text("The passkey was not accepted."), Text("Try once more."))
    return Passkey(
        bytes_to_base64url(verified.credential_id),
        bytes_to_base64url(verified.credential_public_key),
        verified.sign_count,
        answer.site.name,
        label,
        now,
    )


def after_passkey(account: UserAccount, answer: PasskeyAnswer, now: datetime) -> UserAccount | None:
    """Return the account after one of its passkeys has answered; `None` for an answer that proves nothing.
    Raises AccountError for a passkey whose counter went back, for then it exists twice."""
    import webauthn
    from webauthn.helpers import parse_authentication_credential_json

    credential = _believed(lambda: parse_authentication_credential_json(answer.text))
    passkey = next(
        (key for key in of_site(account, answer.site) if credential and key.id == credential.id), None
    )
    if credential is None or passkey is None:
        return None
    verified = _believed(
        lambda: webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=answer.challenge,
            expected_rp_id=passkey.site,
            expected_origin=answer.site.origin,
            credential_public_key=webauthn.base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=0,  # the library looks at it before the signature, we do after it
        )
    )
    if verified is None:
        return None
    counter = verified.new_sign_count
    if (counter or passkey.counter) and counter <= passkey.counter:
        raise AccountError(
            Text("This passkey exists twice: its counter went back. Somebody may have copied it."),
            Text("Log in by another way, and remove it under My account."),
            code="passkey-twice",
        )
    used = replace(passkey, counter=counter, used=now)
    return replace(account, passkeys=tuple(used if key is passkey else key for key in account.passkeys))


def _believed(verify: Callable[[], T]) -> T | None:
    """Return the library's result, or `None`: of bytes that a stranger made up it raises whatever comes."""
    try:
        return verify()
    except Exception:
        return None


def _descriptors(account: UserAccount, site: Site) -> list[PublicKeyCredentialDescriptor]:
    import webauthn
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(passkey.id))
        for passkey in of_site(account, site)
    ]
