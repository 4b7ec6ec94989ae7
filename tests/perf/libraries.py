"""The contenders that are Python libraries: one operation, timed, in a process of its own.

``python -m tests.perf.libraries NAME OPERATION KEY SIZE COUNT CONCURRENCY`` prints one
JSON object. Imports, and the making of the data, are outside of the time.
Invariant: each operation counts what it moved, and fails when the count is wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from typing import TYPE_CHECKING, Protocol

from tests.perf.place import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

PART = 8 << 20


class Library(Protocol):
    """What a contender does. Each method returns how many bytes, or keys, it moved."""

    async def write(self, key: str, data: bytes, concurrency: int) -> int: ...
    async def read(self, key: str, size: int, concurrency: int) -> int: ...
    async def put(self, key: str, data: bytes) -> int: ...
    async def get(self, key: str) -> int: ...
    async def list(self, prefix: str) -> int: ...
    async def aclose(self) -> None: ...


class Dalbrowser:
    """This project's operator."""

    def __init__(self, place: Place, **config: str) -> None:
        from dalbrowser.storage import Operator

        self._operator = Operator(
            "s3",
            endpoint=place.endpoint,
            bucket=place.bucket,
            region=place.region,
            access_key_id=place.access_key,
            secret_access_key=place.secret_key,
            **config,
        )

    async def write(self, key: str, data: bytes, concurrency: int) -> int:
        view = memoryview(data)
        async with self._operator.writer(key, chunk=PART, concurrent=concurrency) as writer:
            for start in range(0, len(data), PART):
                await writer.write(view[start : start + PART])
        return len(data)

    async def read(self, key: str, size: int, concurrency: int) -> int:
        chunk = PART if concurrency > 1 else None
        got = 0
        async with self._operator.reader(key, chunk=chunk, concurrent=concurrency) as reader:
            async for block in reader:
                got += len(block)
        return got

    async def put(self, key: str, data: bytes) -> int:
        await self._operator.write(key, data)
        return len(data)

    async def get(self, key: str) -> int:
        return len(await self._operator.read(key))

    async def list(self, prefix: str) -> int:
        found = 0
        async with self._operator.lister(prefix, recursive=True) as lister:
            async for page in lister.pages():
                found += len(page)
        return found

    async def aclose(self) -> None:
        await self._operator.aclose()


class Unsigned(Dalbrowser):
    """The same with bodies left out of the signature, as opendal sends them."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, payload_signing="never", content_md5="never")


class Obstore:
    """obstore: Rust's object_store."""

    def __init__(self, place: Place) -> None:
        import obstore
        from obstore.store import S3Store

        self._module = obstore
        self._store = S3Store(
            place.bucket,
            endpoint=place.endpoint,
            region=place.region,
            access_key_id=place.access_key,
            secret_access_key=place.secret_key,
            client_options={"allow_http": True},
        )

    async def write(self, key: str, data: bytes, concurrency: int) -> int:
        await self._module.put_async(
            self._store, key, data, chunk_size=PART, max_concurrency=concurrency
        )
        return len(data)

    async def read(self, key: str, size: int, concurrency: int) -> int:
        if concurrency == 1:
            reply = await self._module.get_async(self._store, key)
            return sum([len(block) async for block in reply.stream(min_chunk_size=1 << 20)])

        async def load(start: int) -> int:
            end = min(size, start + PART)
            return len(await self._module.get_range_async(self._store, key, start=start, end=end))

        return await _in_turns((load(start) for start in range(0, size, PART)), concurrency)

    async def put(self, key: str, data: bytes) -> int:
        await self._module.put_async(self._store, key, data)
        return len(data)

    async def get(self, key: str) -> int:
        reply = await self._module.get_async(self._store, key)
        return len(await reply.bytes_async())

    async def list(self, prefix: str) -> int:
        stream: AsyncIterator[list[object]] = self._module.list(
            self._store, prefix, chunk_size=1000
        )
        return sum([len(page) async for page in stream])

    async def aclose(self) -> None:
        """Nothing is held."""


class Opendal:
    """opendal: Apache OpenDAL's own binding."""

    def __init__(self, place: Place) -> None:
        import opendal

        self._operator = opendal.AsyncOperator(
            "s3",
            endpoint=place.endpoint,
            bucket=place.bucket,
            region=place.region,
            access_key_id=place.access_key,
            secret_access_key=place.secret_key,
        )

    async def write(self, key: str, data: bytes, concurrency: int) -> int:
        await self._operator.write(key, data, chunk=PART, concurrent=concurrency)
        return len(data)

    async def read(self, key: str, size: int, concurrency: int) -> int:
        if concurrency > 1:
            return len(await self._operator.read(key, chunk=PART, concurrent=concurrency))
        got = 0
        async with await self._operator.open(key, "rb") as file:
            while block := await file.read(PART):
                got += len(block)
        return got

    async def put(self, key: str, data: bytes) -> int:
        await self._operator.write(key, data)
        return len(data)

    async def get(self, key: str) -> int:
        return len(await self._operator.read(key))

    async def list(self, prefix: str) -> int:
        return sum([1 async for _ in await self._operator.list(prefix, recursive=True)])

    async def aclose(self) -> None:
        """Nothing is held."""


LIBRARIES: dict[str, Callable[[Place], Library]] = {
    "dalbrowser": Dalbrowser,
    "dalbrowser-unsigned": Unsigned,
    "obstore": Obstore,
    "opendal": Opendal,
}


async def _in_turns(work: Iterator[Awaitable[int]], concurrency: int) -> int:
    """Await ``work`` with so many under way, and return the sum."""
    done = 0

    async def drain() -> None:
        nonlocal done
        for item in work:
            moved = await item  # before the sum is read: others add to it meanwhile
            done += moved

    await asyncio.gather(*(drain() for _ in range(concurrency)))
    return done


async def measure(
    name: str, operation: str, key: str, *, size: int, count: int, concurrency: int
) -> dict[str, float]:
    """Do one operation and return what it took, in seconds and bytes of memory."""
    library = LIBRARIES[name](Place.from_environment())
    data = os.urandom(size) if operation in {"write", "put"} else b""
    names = [f"{key}{number:05d}" for number in range(count)]
    begun = time.perf_counter()
    if operation == "write":
        expected, moved = size, await library.write(key, data, concurrency)
    elif operation == "read":
        expected, moved = size, await library.read(key, size, concurrency)
    elif operation == "put":
        expected = size * count
        moved = await _in_turns((library.put(item, data) for item in names), concurrency)
    elif operation == "get":
        expected = size * count
        moved = await _in_turns((library.get(item) for item in names), concurrency)
    else:
        expected, moved = count, await library.list(key)
    seconds = time.perf_counter() - begun
    await library.aclose()
    if moved != expected:
        raise SystemExit(f"{name} {operation}: moved {moved} of {expected}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "peak": peak}


if __name__ == "__main__":
    _name, _operation, _key, *_numbers = sys.argv[1:]
    _size, _count, _at_once = (int(text) for text in _numbers)
    _task = measure(_name, _operation, _key, size=_size, count=_count, concurrency=_at_once)
    _result = asyncio.run(_task)
    sys.stdout.write(json.dumps(_result) + "\n")
    sys.stdout.flush()
    os._exit(0)  # obstore's threads abort a Python that is shutting down, now and then
