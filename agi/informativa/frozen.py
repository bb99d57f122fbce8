"""`dataclass` for the nouns that a script imports. To readers and to mypy it is the standard one, and what it
makes is taken by `replace`, `fields` and `match`; to import it costs a sixth.

The standard one compiles six methods for each class, which takes half a millisecond of the 50 that a script
has for its one call. Here only `__init__` is compiled, with the first object, and it sets all fields at once.
For frozen classes without a base.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

_FIELDS = "__dataclass_fields__"  # by which `dataclasses` knows its own


def _frozen(*, frozen: bool) -> Callable[[type], type]:
    assert frozen
    return _finish


def _finish(cls: type) -> type:
    names = tuple(cls.__annotations__)
    given = {name: value for name in names if type(value := cls.__dict__.get(name)) is Field}
    for name, field in given.items():  # of which only the default stays in the class
        delattr(cls, name)
        if field.default is not MISSING:
            setattr(cls, name, field.default)
    keywords = [name for name, field in given.items() if field.kw_only is True]
    compared = attrgetter(*(name for name in names if name not in given or given[name].compare))
    shown = [name for name in names if name not in given or given[name].repr]

    def initialise(self: object, *values: Any, **named: Any) -> None:
        made = _initialiser(cls, names, given, keywords)
        cls.__init__ = made  # type: ignore[misc]
        made(self, *values, **named)

    def equal(self: object, other: object) -> bool:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def text(self: object) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{cls.__qualname__}({values})"

    methods: dict[str, Any] = {
        "__init__": initialise,
        "__eq__": equal,
        "__hash__": lambda self: hash(compared(self)),
        "__repr__": text,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
        "__match_args__": tuple(name for name in names if name not in keywords),
        _FIELDS: _Fields(given),
    }
    for name, method in methods.items():
        if name not in ("__repr__", "__match_args__") or name not in cls.__dict__:
            setattr(cls, name, method)
    return cls


def _initialiser(
    cls: type, names: tuple[str, ...], given: dict[str, Field[Any]], keywords: list[str]
) -> Callable[..., None]:
    """`__init__`. Python itself sees to arguments that are missing or unknown."""
    scope: dict[str, Any] = {"_set": object.__setattr__, "_anew": MISSING}
    arguments, values = ["self"], []
    for name in sorted(names, key=keywords.__contains__):
        arguments += ["*"] if keywords and name == keywords[0] else []
        value = name
        if name in given and given[name].default_factory is not MISSING:
            scope[f"_make_{name}"] = given[name].default_factory
            argument, value = f"{name}=_anew", f"_make_{name}() if {name} is _anew else {name}"
        elif name in cls.__dict__:
            scope[f"_default_{name}"] = cls.__dict__[name]
            argument = f"{name}=_default_{name}"
        else:
            argument = name
        arguments.append(argument)
        values.append(f"{name!r}: {value}")
    text = f"lambda {', '.join(arguments)}: _set(self, '__dict__', {{{', '.join(values)}}})"
    text += " or self.__post_init__()" if hasattr(cls, "__post_init__") else ""
    made: Callable[..., None] = eval(text, scope)  # noqa: S307  # names of our own classes' fields
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


class _Fields:
    """What `fields` and `replace` look at: made out by the library itself when they first do."""

    def __init__(self, given: dict[str, Field[Any]]) -> None:
        self._given = given

    def __get__(self, instance: object, cls: type) -> dict[str, Field[Any]]:
        own = {name: cls.__dict__[name] for name in cls.__annotations__ if name in cls.__dict__}
        own |= {"__annotations__": cls.__annotations__, "__doc__": "Fields"}  # or the library writes one
        twin = type(cls.__name__, (), {**own, **self._given})
        found: dict[str, Field[Any]] = getattr(
            dataclasses.dataclass(init=False, repr=False, eq=False)(twin), _FIELDS
        )
        setattr(cls, _FIELDS, found)
        return found


def _refuse(_self: object, name: str, *_value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _frozen
