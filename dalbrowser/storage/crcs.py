"""The CRCs that Python does not have, out of the shared library that comes with awscrt.

Importing that library starts its TLS too, which gathers randomness for 30 to 50 ms and keeps
the interpreter meanwhile: a window is seen to hang, and a command takes a tenth longer. The
CRCs need none of it. So their functions are called in the library where its version is one
that this was tried with, and the module is imported where it is not. Invariant: a function
reached directly has answered a question whose answer is known.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NATIVE = ("crc64nvme", "crc32c")
_LIBRARY = "awscrt.checksums"
_TRIED = frozenset({31, 33, 38})
"""Minor versions whose functions are called directly: 0.31.3, 0.33.0 and 0.38.1 were tried, on
Linux. How the functions are called is nothing that awscrt promises, so no other is guessed at."""

_QUESTION = b"123456789"
_ANSWERS = {"crc64nvme": 0xAE8B14860A799888, "crc32c": 0xE3069283, "crc32": 0xCBF43926}
"""The check values of the catalogue of CRCs (reveng.sourceforge.io/crc-catalogue)."""

_found: dict[str, Callable[..., int]] = {}


def has_library() -> bool:
    """Whether awscrt is there; its library is not loaded for the answer."""
    if _LIBRARY in sys.modules:
        return sys.modules[_LIBRARY] is not None
    return importlib.util.find_spec("awscrt") is not None


def is_loaded() -> bool:
    """Whether the functions are at hand."""
    return bool(_found)


def functions() -> Mapping[str, Callable[..., int]]:
    """Return each CRC by its name, and what combines two by ``combine_`` and its name.

    A CRC takes bytes and the CRC before them, a combination two CRCs and how many bytes the
    second is of. Raises ``ImportError`` without awscrt. The first call takes 3 ms, or 50
    where the library has to be started.
    """
    if not _found:
        _found.update(_direct() or _imported())
    return _found


def _direct() -> dict[str, Callable[..., int]] | None:
    """Return the functions in the library itself, ``None`` where they are not to be had so."""
    # Imported here: it is an extra. Alone, it is an empty package.
    import awscrt  # noqa: PLC0415

    spec = importlib.util.find_spec("_awscrt")
    numbers = str(awscrt.__version__).split(".")
    if spec is None or not spec.origin or numbers[0] != "0" or int(numbers[1]) not in _TRIED:
        return None
    # Imported here: whoever needs no CRC needs not to load it either.
    import ctypes  # noqa: PLC0415

    found: dict[str, Callable[..., int]] = {}
    try:
        library = ctypes.PyDLL(spec.origin)
        for name in _ANSWERS:
            for ours, theirs in ((name, name), (f"combine_{name}", f"{name}_combine")):
                function = library[f"aws_py_checksums_{theirs}"]
                function.argtypes, function.restype = [ctypes.py_object] * 2, ctypes.py_object
                found[ours] = partial(_call, function)
    except (OSError, AttributeError):
        return None  # A platform that keeps such names to the library.
    return found if _are_right(found) else None


def _call(function: Any, *values: object) -> int:
    """Call a function of a module of C's: it takes its module, which it ignores, and a tuple."""
    answer: int = function(None, values)
    return answer


def _are_right(found: Mapping[str, Callable[..., int]]) -> bool:
    first, second = _QUESTION[:4], _QUESTION[4:]
    for name, answer in _ANSWERS.items():
        parts = found[name](first, 0), found[name](second, 0)
        if found[name](_QUESTION, 0) != answer:
            return False
        if found[f"combine_{name}"](*parts, len(second)) != answer:
            return False
    return True


def _imported() -> dict[str, Callable[..., int]]:
    # Imported here: it is an extra, and has a native library to start.
    import awscrt.checksums  # noqa: PLC0415

    names = [*_ANSWERS, *(f"combine_{name}" for name in _ANSWERS)]
    return {name: getattr(awscrt.checksums, name) for name in names}
