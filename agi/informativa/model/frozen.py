"""A `dataclass` for the nouns that a script imports. To readers and to mypy it is the standard one, and
`replace`, `fields` and `match` accept its classes; its import costs a sixth.

The standard one compiles six methods for each class: with it a script's whole call takes 1.8 times the
instructions (callgrind) and 1.4 times the CPU time. Here only `__init__` is compiled, and it sets all fields
at once. That costs as much as FEW objects without it, and a script makes fewer of nearly every class: with
`__init__` compiled for the first object its call takes 1.06 times the instructions. For frozen classes
without a base.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

FEW = 20  # objects of a class that are made before its `__init__` is compiled
_FIELDS = "__dataclass_fields__"  # the attribute by which `dataclasses` recognises its classes


def _frozen(*, frozen: bool) -> Callable[[type], type]:
    assert frozen
    return _make_dataclass


def _make_dataclass(cls: type) -> type:
    names = tuple(cls.__annotations__)
    explicit_fields = {name: value for name in names if type(value := cls.__dict__.get(name)) is Field}
    for name, field in explicit_fields.items():  # only its default stays in the class
        delattr(cls, name)
        if field.default is not MISSING:
            setattr(cls, name, field.default)
    keywords = [name for name, field in explicit_fields.items() if field.kw_only is True]
    compared = attrgetter(
        *(name for name in names if name not in explicit_fields or explicit_fields[name].compare)
    )
    shown = [name for name in names if name not in explicit_fields or explicit_fields[name].repr]
    by_place = [name for name in names if name not in keywords]
    objects = count(1)
    # By way of `object.__setattr__` an object would take 1.1 times as long.
    set_fields = cls.__dict__["__dict__"].__set__

    def initialise(self: object, *values: Any, **named: Any) -> None:
        few = next(objects) <= FEW
        fields = _field_values(cls, names, by_place, explicit_fields, values, named) if few else None
        if fields is None:  # not few, or wrong arguments, which Python itself refuses
            initialiser = _initialiser(cls, names, explicit_fields, keywords, set_fields)
            cls.__init__ = initialiser  # type: ignore[misc]
            initialiser(self, *values, **named)
            return
        set_fields(self, fields)
        if hasattr(cls, "__post_init__"):
            self.__post_init__()  # type: ignore[attr-defined]

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
        "__match_args__": tuple(by_place),
        _FIELDS: _Fields(explicit_fields),
    }
    for name, method in methods.items():
        if name not in ("__repr__", "__match_args__") or name not in cls.__dict__:
            setattr(cls, name, method)
    return cls


def _field_values(
    cls: type,
    names: tuple[str, ...],
    by_place: list[str],
    explicit_fields: dict[str, Field[Any]],
    values: tuple[Any, ...],
    named: dict[str, Any],
) -> dict[str, Any] | None:
    """Return the values of all fields, from the arguments or else by default; `None` if an argument is
    missing, unknown, or one too many."""
    arguments = dict(zip(by_place, values, strict=False), **named)
    if len(arguments) < len(values) + len(named):
        return None
    fields = {}
    for name in names:
        factory: Any = explicit_fields[name].default_factory if name in explicit_fields else MISSING
        if name in arguments:
            fields[name] = arguments.pop(name)
        elif factory is not MISSING:
            fields[name] = factory()
        elif name in cls.__dict__:
            fields[name] = cls.__dict__[name]
        else:
            return None
    return None if arguments else fields


def _initialiser(
    cls: type,
    names: tuple[str, ...],
    explicit_fields: dict[str, Field[Any]],
    keywords: list[str],
    set_fields: Callable[[Any, dict[str, Any]], None],
) -> Callable[..., None]:
    """Return `__init__`. Python itself checks for arguments that are missing or unknown."""
    scope: dict[str, Any] = {"_set": set_fields, "_anew": MISSING}
    arguments, values = ["self"], []
    for name in sorted(names, key=keywords.__contains__):
        arguments += ["*"] if keywords and name == keywords[0] else []
        value = name
        if name in explicit_fields and explicit_fields[name].default_factory is not MISSING:
            scope[f"_make_{name}"] = explicit_fields[name].default_factory
            argument, value = f"{name}=_anew", f"_make_{name}() if {name} is _anew else {name}"
        elif name in cls.__dict__:
            scope[f"_default_{name}"] = cls.__dict__[name]
            argument = f"{name}=_default_{name}"
        else:
            argument = name
        arguments.append(argument)
        values.append(f"{name!r}: {value}")
    text = f"lambda {', '.join(arguments)}: _set(self, {{{', '.join(values)}}})"
    text += " or self.__post_init__()" if hasattr(cls, "__post_init__") else ""
    function: Callable[..., None] = eval(text, scope)  # noqa: S307  # names of our own classes' fields
    function.__qualname__ = f"{cls.__qualname__}.__init__"
    return function


class _Fields:
    """The attribute that `fields` and `replace` read: the library itself builds it when they first do."""

    def __init__(self, explicit_fields: dict[str, Field[Any]]) -> None:
        self._explicit_fields = explicit_fields

    def __get__(self, instance: object, cls: type) -> dict[str, Field[Any]]:
        namespace = {name: cls.__dict__[name] for name in cls.__annotations__ if name in cls.__dict__}
        # Without a docstring here the library would write one.
        namespace |= {"__annotations__": cls.__annotations__, "__doc__": "Fields"}
        twin = type(cls.__name__, (), {**namespace, **self._explicit_fields})
        library_fields: dict[str, Field[Any]] = getattr(
            dataclasses.dataclass(init=False, repr=False, eq=False)(twin), _FIELDS
        )
        setattr(cls, _FIELDS, library_fields)
        return library_fields


def _refuse(_self: object, name: str, *_value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _frozen
