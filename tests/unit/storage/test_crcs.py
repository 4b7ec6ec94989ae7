"""The CRCs reached in awscrt's library itself are those that awscrt's own module computes."""

from __future__ import annotations

import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import crcs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CRCS = ("crc64nvme", "crc32c", "crc32")
_SIZES = (0, 1, 7, 8, 9, 63, 64, 65, 255, 4096, 100_003, 3 << 20)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[..., int]]:
    """Nothing is loaded yet, and what the test loads is forgotten."""
    found: dict[str, Callable[..., int]] = {}
    monkeypatch.setattr(crcs, "_found", found)
    return found


def _direct() -> Mapping[str, Callable[..., int]]:
    found = crcs._direct()
    if found is None:
        pytest.skip("this platform, or this version of awscrt, goes by the module")
    return found


@pytest.mark.parametrize("name", _CRCS)
def test_direct_and_imported_compute_the_same(name: str) -> None:
    direct, imported = _direct()[name], crcs._imported()[name]
    random = Random(7)
    for size in _SIZES:
        data = random.randbytes(size)
        before = random.randrange(1 << 32)
        assert direct(data, before) == imported(data, before), size
        assert direct(memoryview(data)[size // 2 :], 0) == imported(data[size // 2 :], 0), size
        assert direct(bytearray(data), 0) == imported(data, 0), size


@pytest.mark.parametrize("name", _CRCS)
def test_direct_combines_as_a_whole_is_computed(name: str) -> None:
    direct = _direct()
    random = Random(8)
    for size in _SIZES:
        first, second = random.randbytes(1000), random.randbytes(size)
        parts = direct[name](first, 0), direct[name](second, 0)
        assert direct[f"combine_{name}"](*parts, size) == direct[name](first + second, 0), size


def test_what_cannot_be_computed_is_an_error_and_no_crash() -> None:
    direct = _direct()
    with pytest.raises(TypeError):
        direct["crc64nvme"](3, 0)
    with pytest.raises(TypeError):
        direct["crc64nvme"](b"")
    with pytest.raises(OverflowError):
        direct["crc64nvme"](b"", -1)


def test_a_version_that_was_not_tried_goes_by_the_module(
    monkeypatch: pytest.MonkeyPatch, fresh: Mapping[str, Callable[..., int]]
) -> None:
    for version in ("0.39.0", "1.0.0", "1.35.0", "0.30.9"):
        monkeypatch.setattr("awscrt.__version__", version)
        assert crcs._direct() is None, version
    assert not crcs.is_loaded()
    assert crcs.functions()["crc32c"](b"123456789", 0) == 0xE3069283
    assert fresh["crc32c"] is sys.modules["awscrt.checksums"].crc32c


def test_functions_that_answer_wrongly_are_not_used(
    monkeypatch: pytest.MonkeyPatch, fresh: Mapping[str, Callable[..., int]]
) -> None:
    monkeypatch.setattr(crcs, "_call", lambda _function, *_values: 0)
    assert crcs._direct() is None
    assert crcs.functions()["crc32c"](b"123456789", 0) == 0xE3069283
    assert fresh["crc32c"] is sys.modules["awscrt.checksums"].crc32c


def test_a_library_without_such_names_goes_by_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def __init__(self, _path: str) -> None: ...

        def __getitem__(self, name: str) -> object:
            raise AttributeError(name)

    monkeypatch.setattr("ctypes.PyDLL", Closed)
    assert crcs._direct() is None


def test_a_checksum_starts_no_library() -> None:
    _direct()
    code = (
        "import sys; from dalbrowser.storage.checksums import digest;"
        "print(digest('crc64nvme', [b'123456789']).hex(), '_awscrt' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["ae8b14860a799888", "False"]
