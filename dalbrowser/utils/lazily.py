"""Names of a package that are imported when somebody first asks for them.

For start-up time alone: a command that lists needs no engine. The package names the same
things once more below ``TYPE_CHECKING``, so that checkers see them as always.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def names_from(
    namespace: dict[str, Any], modules: Mapping[str, Sequence[str]]
) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of the package with this ``namespace``.

    ``modules`` maps a module below the package to the names that are taken from it.
    """
    package: str = namespace["__name__"]
    where = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in where:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        value = getattr(import_module(f"{package}.{where[name]}"), name)
        namespace[name] = value
        return value

    return get
