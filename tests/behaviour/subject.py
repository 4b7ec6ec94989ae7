"""What a behaviour is given: an operator on one service, a place of its own, and witnesses.

Invariant: every test works under a ``base`` of its own, so that tests of one service share
its container and never meet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import Operator, StorageError
from dalbrowser.storage.registry import build

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager

    from dalbrowser.storage import Accessor, Capability, ErrorKind, HttpExchange, Metadata

KiB = 1024
MiB = 1024 * KiB


@dataclass(slots=True)
class Service:
    """One service under test, open for the whole run. ``name`` is its column in the table.

    ``limits`` are facts about the server, from its fixture. ``config`` rebuilds the operator,
    as a fresh process would.
    """

    name: str
    scheme: str
    config: Mapping[str, Any]
    op: Operator
    limits: frozenset[str] = frozenset()
    deny: Callable[[str], AbstractContextManager[None]] | None = None
    """Makes the server refuse to delete one key for a while, where it can."""
    neighbour: Callable[[], AbstractContextManager[Mapping[str, Any]]] | None = None
    """Makes another bucket of the same server for a while; gives its configuration."""
    exchanges: list[HttpExchange] = field(default_factory=list)

    def accessor(self) -> Accessor:
        """Return another raw accessor of the same container, no layer around it."""
        return build(self.scheme, self.config)


@dataclass(slots=True)
class Subject:
    """One test's view of a service."""

    service: Service
    base: str
    note: Callable[[str, str], None]
    rng: Random = field(default_factory=lambda: Random(20_26))

    @property
    def op(self) -> Operator:
        """The operator under test."""
        return self.service.op

    @property
    def cap(self) -> Capability:
        """What the operator says that it can do."""
        return self.service.op.capability

    @property
    def is_file_system(self) -> bool:
        """Whether folders are real here, and a name is a file or a folder, never both."""
        return self.service.scheme == "fs"

    def key(self, name: str = "file") -> str:
        """Return an exact key of this test's own."""
        return self.base + name

    def random(self, size: int) -> bytes:
        """Return random content."""
        return self.rng.randbytes(size)

    async def put(self, name: str = "file", data: bytes | int = 100, **options: Any) -> bytes:
        """Write an object and return its content."""
        content = self.random(data) if isinstance(data, int) else data
        await self.op.write(self.key(name), content, **options)
        return content

    async def put_meta(self, name: str, data: bytes, **options: Any) -> Metadata:
        """Write an object and return what a stat says of it."""
        await self.op.write(self.key(name), data, **options)
        return await self.op.stat(self.key(name))

    async def keys(self, path: str | None = None, **options: Any) -> list[str]:
        """Return the keys of a listing, relative to the base, the listed folder left out."""
        folder = self.base if path is None else self.base + path
        entries = await self.op.list(folder, **options)
        return [e.path.removeprefix(self.base) for e in entries if e.path != folder]

    async def files(self, path: str | None = None, **options: Any) -> list[str]:
        """Return the keys of the files of a listing, relative to the base."""
        folder = self.base if path is None else self.base + path
        entries = await self.op.list(folder, **options)
        return [e.path.removeprefix(self.base) for e in entries if not e.path.endswith("/")]

    def requests(self) -> int:
        """Return how many HTTP exchanges the service has made so far."""
        return len(self.service.exchanges)

    async def fails(self, kind: ErrorKind, call: Awaitable[object]) -> StorageError:
        """Assert that a call fails with this kind, and return the error."""
        with pytest.raises(StorageError) as caught:
            await call
        assert caught.value.kind is kind, caught.value
        return caught.value

    async def fails_unsent(self, kind: ErrorKind, call: Awaitable[object]) -> StorageError:
        """Assert that a call fails with this kind before any request leaves."""
        before = self.requests()
        error = await self.fails(kind, call)
        assert self.requests() == before, "a request was sent first"
        return error
