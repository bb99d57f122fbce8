"""A plugin of mypy: a `Text` in an f-string or in `str.format` is an error. It is one when it runs, too; this
finds it before."""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import MethodContext, Plugin
from mypy.types import Instance, Type, UnionType, get_proper_type

_TEXT = "informativa.model.text.Text"


class _TextPlugin(Plugin):
    """mypy reads an f-string as a call of `str.format`."""

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        return _look if fullname == "builtins.str.format" else None


def _look(context: MethodContext) -> Type:
    if any(_is_text(kind) for kinds in context.arg_types for kind in kinds):
        context.api.fail("A Text in a string: make it an argument of another Text", context.context)
    return context.default_return_type


def _is_text(kind: Type) -> bool:
    proper = get_proper_type(kind)
    if isinstance(proper, UnionType):
        return any(map(_is_text, proper.items))
    return isinstance(proper, Instance) and any(base.fullname == _TEXT for base in proper.type.mro)


def plugin(_version: str) -> type[Plugin]:
    """Return what mypy asks for."""
    return _TextPlugin
