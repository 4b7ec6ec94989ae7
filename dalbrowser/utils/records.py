"""Records: ``dataclass(frozen=True, slots=True)`` that takes a fifth of the time to make.

``dataclass`` writes and compiles up to nine methods for each class, at each start: for the
ninety that a command loads this took a quarter of its time. Here ``__init__`` alone is compiled,
when the first record of a class is made; the other methods read the fields. Invariant: a record
is a dataclass to all who look at it (``fields``, ``replace``, ``asdict``, patterns), with the
same equality, hash and text.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_UNSET = object()


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(
    *, frozen: bool = True, eq: bool = True, kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """Make a class a record; one that is not frozen can be changed, and has no hash.

    Without ``eq`` each is equal to itself alone. Of ``field(init=False)`` the value is set by
    ``__post_init__``; there is no ``InitVar``.
    """

    def make(body: type[T]) -> type[T]:
        # Where there is none, ``dataclass`` would write one from the signature, in 3 ms.
        body.__doc__ = body.__doc__ or f"The record {body.__name__}."
        made = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(body)
        items = fields(made)  # type: ignore[arg-type]
        values = _values([item.name for item in items if item.compare])
        methods: dict[str, Callable[..., Any] | None] = {
            "__init__": _init_when_used(made, items, frozen=frozen),
            "__repr__": _text(items),
            **(_comparison(values, hashed=frozen) if eq else {}),
            **(_FROZEN if frozen else {}),
        }
        for name, method in methods.items():
            if body.__dict__.get(name) is None:
                setattr(made, name, method)
        return made

    return make


def _init_when_used(
    made: type, items: tuple[Field[Any], ...], *, frozen: bool
) -> Callable[..., None]:
    """Return what stands in for ``__init__`` until the first record is made."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        init = _init(made, items, frozen=frozen)
        if made.__dict__["__init__"] is __init__:
            made.__init__ = init  # type: ignore[misc]
        init(self, *args, **kwargs)

    return __init__


def _init(made: type, items: tuple[Field[Any], ...], *, frozen: bool) -> Callable[..., None]:
    """Compile ``__init__``; a frozen record's own ``__setattr__`` is passed by."""
    names: dict[str, Any] = {"_unset": _UNSET}
    positional, named, body = ["self"], list[str](), list[str]()
    for item in items:
        if not item.init:
            continue
        name, value, argument = item.name, item.name, item.name
        if item.default is not MISSING:
            names[f"_default_{name}"] = item.default
            argument = f"{name}=_default_{name}"
        elif item.default_factory is not MISSING:
            names[f"_make_{name}"] = item.default_factory
            argument = f"{name}=_unset"
            value = f"_make_{name}() if {name} is _unset else {name}"
        (named if item.kw_only else positional).append(argument)
        if frozen:
            names[f"_set_{name}"] = getattr(made, name).__set__
            body.append(f" _set_{name}(self, {value})")
        else:
            body.append(f" self.{name} = {value}")
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    arguments = ", ".join([*positional, "*", *named] if named else positional)
    text = "\n".join([f"def __init__({arguments}):", *(body or [" pass"])])
    exec(text, names)  # noqa: S102 - names and text are the class's own, as in dataclasses
    init: Callable[..., None] = names["__init__"]
    init.__module__, init.__qualname__ = made.__module__, f"{made.__qualname__}.__init__"
    return init


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads the fields ``names`` of a record, as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _comparison(
    values: Callable[[Any], tuple[Any, ...]], *, hashed: bool
) -> dict[str, Callable[..., Any] | None]:
    def equal(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def hash_(self: Any) -> int:
        return hash(values(self))

    return {"__eq__": equal, "__hash__": hash_ if hashed else None}


def _text(items: tuple[Field[Any], ...]) -> Callable[[Any], str]:
    names = [item.name for item in items if item.repr]

    def text(self: Any) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return text


def _refuse(self: object, name: str, value: object = None) -> None:
    del self, value
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _restore(self: object, state: tuple[None, dict[str, Any]]) -> None:
    """Take what ``object.__getstate__`` gave, for a copy or a pickle."""
    for name, value in state[1].items():
        object.__setattr__(self, name, value)


_FROZEN: dict[str, Callable[..., Any]] = {
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__setstate__": _restore,
}
