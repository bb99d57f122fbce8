"""stub"""

from dataclasses import dataclass

from .errors import InformativaError
from .model import Role


class AccountError(InformativaError):
    pass


@dataclass(frozen=True)
class Account:
    name: str
    grants: dict


class Accounts:
    def __init__(self, folder):
        pass

    def get(self, name):
        return Account("ada", {"acme": Role.ADMIN}) if name == "ada" else None

    def verify(self, name, password, code, now):
        return self.get(name) if password == "correct horse battery" else None

    def invitation(self, token, now):
        return None
