"""An S3 server that costs next to nothing, in a process of its own: a sink of bytes.

``python -m tests.perf.sink [DELAY]`` prints its port, then when the first bytes came, and
serves until it is ended. It answers put, get, head, list and multipart uploads, checks no
signature, and keeps of an object its size and its ETag only; its bytes are zeros when it
is read. DELAY, in seconds, is waited before each answer. For measuring whoever asks,
never the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from functools import lru_cache
from urllib.parse import parse_qs, quote, unquote

_DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
_ISO = "2026-01-01T00:00:00.000Z"
_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
_PAGE = 1000
_BLOCK = 1 << 18
_ZEROS = bytes(_BLOCK)


class Sink:
    """What is there: key to (size, ETag), and the parts of uploads under way."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.objects: dict[str, tuple[int, str]] = {}
        self.parts: dict[str, tuple[int, bytes]] = {}
        self.told = False
        self._sorted: list[str] = []

    def tell(self) -> None:
        """Say when the first bytes came, in seconds since the epoch."""
        if not self.told:
            self.told = True
            sys.stdout.write(f"{time.time()}\n")
            sys.stdout.flush()

    def keys(self, prefix: str, after: str) -> list[str]:
        """Return the next page of keys and one more."""
        if len(self._sorted) != len(self.objects):
            self._sorted = sorted(self.objects)
        low = max(prefix, after)
        found = [key for key in self._sorted if key >= low and key != after]
        return [key for key in found if key.startswith(prefix)][: _PAGE + 1]


@lru_cache(maxsize=64)
def _zeros_etag(size: int) -> str:
    return hashlib.md5(bytes(size), usedforsecurity=False).hexdigest()


class Connection(asyncio.Protocol):
    """One connection; requests are answered one after the other."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._held = bytearray()
        self._left = 0
        self._size = 0
        self._digest = hashlib.md5(usedforsecurity=False)
        self._head: tuple[str, str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._out = transport

    def data_received(self, data: bytes) -> None:
        while data or (self._head and not self._left):
            if self._head is None:
                self._held += data
                end = self._held.find(b"\r\n\r\n")
                if end < 0:
                    return
                self._begin(bytes(self._held[:end]))
                data = bytes(self._held[end + 4 :])
                self._held.clear()
            if self._left:
                some, data = data[: self._left], data[self._left :]
                self._digest.update(some)
                self._left -= len(some)
            if not self._left and self._head is not None:
                head, self._head = self._head, None
                if self._sink.delay:
                    loop = asyncio.get_running_loop()
                    loop.call_later(self._sink.delay, self._answer, *head, self._size)
                else:
                    self._answer(*head, self._size)

    def _begin(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        method, target, _ = first.decode("ascii").split(" ", 2)
        self._size = 0
        for line in lines:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                self._size = int(value)
            elif name.lower() == b"expect":
                self._out.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._left, self._head = self._size, (method, target)
        self._digest = hashlib.md5(usedforsecurity=False)

    def _answer(self, method: str, target: str, size: int) -> None:
        sink = self._sink
        path, _, text = target.partition("?")
        query = parse_qs(text, keep_blank_values=True)
        key = unquote(path).partition("/")[2].partition("/")[2]
        etag = self._digest.hexdigest()
        if method == "PUT" and "partNumber" in query:
            number = f"{query['uploadId'][0]} {int(query['partNumber'][0])}"
            sink.parts[number] = (size, self._digest.digest())
            sink.tell()
            self._say(200, f'ETag: "{etag}"\r\n')
        elif method == "PUT":
            sink.objects[key] = (size, etag)
            sink.tell()
            self._say(200, f'ETag: "{etag}"\r\n')
        elif method == "POST" and "uploads" in query:
            self._xml(f"<InitiateMultipartUploadResult><UploadId>{quote(key, '')}</UploadId>"
                      "</InitiateMultipartUploadResult>")  # fmt: skip
        elif method == "POST":
            self._complete(key, query["uploadId"][0])
        elif method == "GET" and not key:
            self._list(query)
        elif method in {"GET", "HEAD"} and key in sink.objects:
            self._object(method, *sink.objects[key])
        else:
            self._say(204 if method == "DELETE" else 404)

    def _complete(self, key: str, upload: str) -> None:
        mine = [name for name in self._sink.parts if name.startswith(f"{upload} ")]
        mine.sort(key=lambda name: int(name.rpartition(" ")[2]))
        parts = [self._sink.parts.pop(name) for name in mine]
        joined = b"".join(digest for _, digest in parts)
        etag = f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"
        self._sink.objects[key] = (sum(size for size, _ in parts), etag)
        self._xml(f"<CompleteMultipartUploadResult><ETag>&quot;{etag}&quot;</ETag>"
                  "</CompleteMultipartUploadResult>")  # fmt: skip

    def _object(self, method: str, size: int, _etag: str) -> None:
        etag = f'ETag: "{_zeros_etag(size)}"\r\nLast-Modified: {_DATE}\r\n'
        self._say(200, f"{etag}Content-Length: {size}\r\n", length=False)
        for at in range(0, size if method == "GET" else 0, _BLOCK):
            self._out.write(_ZEROS[: min(_BLOCK, size - at)])

    def _list(self, query: dict[str, list[str]]) -> None:
        if "list-type" not in query:
            self._xml("<ListBucketResult/>")
            return
        prefix = query.get("prefix", [""])[0]
        after = (query.get("continuation-token") or query.get("start-after") or [""])[0]
        keys = self._sink.keys(prefix, after)
        more, last = len(keys) > _PAGE, keys[:_PAGE][-1] if keys else ""
        folders: set[str] = set()
        if query.get("delimiter"):
            inner = {key: key[len(prefix) :].partition("/") for key in keys[:_PAGE]}
            folders = {prefix + parts[0] + "/" for parts in inner.values() if parts[1]}
            keys = [key for key in keys if key not in inner or not inner[key][1]]
        rows = "".join(
            f"<Contents><Key>{quote(key)}</Key><LastModified>{_ISO}</LastModified>"
            f"<ETag>&quot;{_zeros_etag(self._sink.objects[key][0])}&quot;</ETag>"
            f"<Size>{self._sink.objects[key][0]}</Size></Contents>"
            for key in (keys[:-1] if more else keys)
        )
        rows += "".join(
            f"<CommonPrefixes><Prefix>{quote(folder)}</Prefix></CommonPrefixes>"
            for folder in sorted(folders)
        )
        token = f"<NextContinuationToken>{quote(last)}</NextContinuationToken>"
        self._xml(
            f'<ListBucketResult xmlns="{_XMLNS}"><Name>perf</Name><Prefix>{quote(prefix)}</Prefix>'
            f"<KeyCount>{len(keys)}</KeyCount><MaxKeys>{_PAGE}</MaxKeys>"
            f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token if more else ''}{rows}</ListBucketResult>"
        )

    def _xml(self, body: str) -> None:
        self._say(200, "Content-Type: application/xml\r\n", body.encode())

    def _say(
        self, status: int, headers: str = "", body: bytes = b"", *, length: bool = True
    ) -> None:
        size = f"Content-Length: {len(body)}\r\n" if length else ""
        head = f"HTTP/1.1 {status} X\r\nx-amz-request-id: 1\r\nx-amz-bucket-region: us-east-1\r\n"
        self._out.write(f"{head}{headers}{size}\r\n".encode() + body)


async def main(delay: float) -> None:
    """Serve on a free port."""
    sink = Sink(delay)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(sink), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
