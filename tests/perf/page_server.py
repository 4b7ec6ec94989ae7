"""A server that knows one S3 request, ListObjectsV2, and has as many keys as one likes.

``python -m tests.perf.page_server COUNT`` prints its port and serves until it is ended.
It answers at the speed of a loop in Python, checks no signature, and keeps nothing: a page
is made from its number. For measuring whoever asks, never the server.
"""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 1000
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"


@lru_cache(maxsize=64)
def page(first: int, count: int, prefix: str) -> bytes:
    """Return one page: ``PAGE`` keys from number ``first`` of ``count``."""
    last = min(first + PAGE, count)
    rows = "".join(
        f"<Contents><Key>{prefix}reading-{number:09d}.parquet</Key>"
        f"<LastModified>2026-{1 + number % 12:02d}-{1 + number % 28:02d}T"
        f"{number % 24:02d}:{number % 60:02d}:00.000Z</LastModified>"
        f"<ETag>&quot;{number * 2654435761 % (1 << 64):032x}&quot;</ETag>"
        f"<Size>{number * 7919 % 900_000_007}</Size><StorageClass>STANDARD</StorageClass>"
        "</Contents>"
        for number in range(first, last)
    )
    more = last < count
    token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
    return (
        f'{_HEAD}<ListBucketResult xmlns="{_XMLNS}"><Name>perf</Name><Prefix>{prefix}</Prefix>'
        f"<KeyCount>{last - first}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{token}{rows}</ListBucketResult>"
    ).encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
    """Answer one connection's requests, one after the other."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            query = parse_qs(urlsplit(target).query)
            body = b""
            if method == "GET" and "list-type" in query:
                first = int(query.get("continuation-token", ["0"])[0])
                body = page(first, count, unquote(query.get("prefix", [""])[0]))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nx-amz-request-id: 1\r\n"
                b"x-amz-bucket-region: us-east-1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(count: int) -> None:
    """Serve on a free port."""
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, count), "127.0.0.1", 0
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
