"""The nouns' own `dataclass`, held against the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from informativa.model import frozen


def made(dataclass: Any) -> Any:
    """A class with every kind of field that our nouns have."""

    @dataclass(frozen=True)
    class Caller:
        __qualname__ = "Caller"
        number: str = dataclasses.field(repr=False)
        country: str = "IT"
        options: Mapping[str, str] = dataclasses.field(default_factory=dict)
        salt: bytes = dataclasses.field(default=b"", compare=False)
        clock: int = dataclasses.field(kw_only=True, default=7)
        owner: str = dataclasses.field(kw_only=True)

    return Caller


def of_one_field(dataclass: Any) -> Any:
    """A class whose only field is compared by itself."""

    @dataclass(frozen=True)
    class Step:
        notice: str

    return Step


@pytest.fixture(params=["standard", "ours", "ours compiled"])
def caller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """It, by each of the two; by ours for few objects, and for more."""
    if request.param == "standard":
        return made(dataclasses.dataclass)
    monkeypatch.setattr(frozen, "FEW", 0 if request.param == "ours compiled" else 20)
    return made(frozen.dataclass)


def test_arguments_and_defaults(caller: Any) -> None:
    """Values come by place, by name or by default, and a dictionary anew for each object."""
    one, other = (
        caller("+39333", owner="acme"),
        caller("+39333", "FR", {"a": "b"}, b"s", owner="acme", clock=8),
    )
    assert vars(one) == {
        "number": "+39333", "country": "IT", "options": {}, "salt": b"", "clock": 7, "owner": "acme",
    }  # fmt: skip
    assert (other.country, other.options, other.salt, other.clock) == ("FR", {"a": "b"}, b"s", 8)
    assert caller("+1", owner="").options is not one.options
    assert (caller.country, hasattr(caller, "number"), hasattr(caller, "options")) == ("IT", False, False)


@pytest.mark.parametrize(
    ("arguments", "named", "error"),
    [
        ((), {"owner": "acme"}, r"Caller.__init__\(\) missing 1 required positional argument: 'number'"),
        (("+39",), {}, r"Caller.__init__\(\) missing 1 required keyword-only argument: 'owner'"),
        (("+39",), {"owner": "", "age": 1}, r"Caller.__init__\(\) got an unexpected keyword argument 'age'"),
        (
            ("+39", "", {}, b"", 7),
            {"owner": ""},
            r"Caller.__init__\(\) takes from 2 to 5 positional arguments",
        ),
    ],
)
def test_wrong_arguments(caller: Any, arguments: tuple[Any, ...], named: dict[str, Any], error: str) -> None:
    """An argument that is missing, unknown or too many is refused by name."""
    with pytest.raises(TypeError, match=error):
        caller(*arguments, **named)


def test_equality_and_hash(caller: Any) -> None:
    """Equal are objects of one class whose fields are, but for those that are left out."""
    one = caller("+39333", options=(), owner="acme")
    assert one == caller("+39333", options=(), salt=b"other", owner="acme")
    assert hash(one) == hash(caller("+39333", options=(), salt=b"other", owner="acme"))
    assert one != caller("+39334", options=(), owner="acme")
    assert one != made(frozen.dataclass)("+39333", options=(), owner="acme")
    with pytest.raises(TypeError, match="unhashable"):
        hash(caller("+39333", owner="acme"))


def test_one_field_is_no_other_class() -> None:
    """A class of one field equals neither its value nor a class of the same form."""
    one, other = of_one_field(frozen.dataclass), of_one_field(frozen.dataclass)
    assert one("privacy") == one("privacy") != other("privacy")
    assert one("privacy") != "privacy"
    assert {one("privacy"): 1}[one("privacy")] == 1


def test_nothing_is_changed(caller: Any) -> None:
    """No field is set or deleted, and no other attribute."""
    one = caller("+39333", owner="acme")
    for name in ("number", "clock", "unknown"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, name, "changed")
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(one, name)


def test_text_keeps_back_what_it_must(caller: Any) -> None:
    """A field that is not shown stays out of the text."""
    text = repr(caller("+39333", owner="acme"))
    assert text == "Caller(country='IT', options={}, salt=b'', clock=7, owner='acme')"


def test_library_takes_them_for_its_own(caller: Any) -> None:
    """`replace`, `fields`, `asdict` and `match` work, before and after the first look at the fields."""
    one = caller("+39333", owner="acme")
    assert dataclasses.replace(one, country="FR") == caller("+39333", "FR", owner="acme")
    assert [field.name for field in dataclasses.fields(caller)] == [
        "number", "country", "options", "salt", "clock", "owner",
    ]  # fmt: skip
    assert dataclasses.is_dataclass(caller)
    assert dataclasses.asdict(one)["owner"] == "acme"
    assert caller.__match_args__ == ("number", "country", "options", "salt")
    assert copy.copy(one) == copy.deepcopy(one) == one


@frozen.dataclass(frozen=True)
class Pickled:
    """At the module's level, where pickle looks for it."""

    value: int


def test_pickled() -> None:
    """It is taken to another process and is the same there."""
    assert pickle.loads(pickle.dumps(Pickled(3))) == Pickled(3)
