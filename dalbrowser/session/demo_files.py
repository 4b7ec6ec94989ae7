"""The contents of the demo workspace: every byte of it is made here, none is stored.

Invariant: the same on every machine (seeded), except for the bytes of the upload's source.
Nothing here touches a disk; ``demo`` writes.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import struct
import unicodedata
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EPOCH = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
"""The time at which everything in the demo begins."""

LOG_SIZE = 60_000_000
"""Bytes of the large log: too much to look at other than by range."""

_LINES_PER_SECOND = 16
_WIDTH, _HEIGHT = 960, 600

WELCOME = """\
# The demo workspace

Everything here lies in a folder on this computer and is served by the *fs* service,
through the same operator that speaks to S3. Change, move and delete what you like.

## Things to try

- Open `logs/server.log`. It has 60 MB; the line below the preview says how little was read.
- Open `pictures/evening.png`, then `tables/orders.csv` and `tables/events.jsonl`.
- Look into `odd keys`: names that other programs change, lose or refuse.
- Press Ctrl+J. An upload was interrupted after two parts. Resume it: the parts that are
  there are compared with the file, and only what is missing is sent.
- Drop a folder from your desktop anywhere in this list.

## And then

Add a connection of your own with **Add connection**. Its secret goes to the keyring of
your desktop, and to no file.
"""

LETTER = """\
Dear reader,

this file is written in Latin-1, as it was usual once:
\u00e4, \u00f6, \u00fc, \u00df, \u00e9, \u00f1, \u00a3.
A preview that takes it for UTF-8 shows something else.
"""

LOGO = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 160" width="240" height="160">
  <defs>
    <linearGradient id="water" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="#4f9bd9"/>
      <stop offset="1" stop-color="#1f4e79"/>
    </linearGradient>
  </defs>
  <rect width="240" height="160" rx="16" fill="#f4efe6"/>
  <path d="M60 44 h120 l-14 92 a10 10 0 0 1 -10 8 h-72 a10 10 0 0 1 -10 -8 z"
        fill="url(#water)"/>
  <ellipse cx="120" cy="44" rx="60" ry="14" fill="#8cc4ec"/>
  <path d="M60 44 c0 -48 120 -48 120 0" fill="none" stroke="#333" stroke-width="5"/>
</svg>
"""

_PLACES = ("Aalborg", "Bergen", "Cádiz", "Dornbirn", "Évora", "Faro", "Gdańsk", "Łódź", "Tromsø")
_GOODS = ("lamp", "rope, 20 m", "compass", '5" nail', "map", "kettle", "boots", "tent", "notebook")
_WHAT = ("viewed", "added", "removed", "paid", "returned", "rated")
_METHODS = ("GET", "GET", "GET", "GET", "PUT", "HEAD", "DELETE")
_STATUSES = (200, 200, 200, 200, 200, 206, 304, 404, 503)


def odd_names() -> list[str]:
    """Return file names that a file system can hold and programs get wrong."""
    return [
        " a space in front",
        "a space at the end ",
        "two  spaces",
        "100%.txt",
        "a%2Fb is not a folder.txt",
        "plus+and&ampersand=equals.txt",
        "question?mark#hash.txt",
        "semicolon;comma,colon:.txt",
        "quotes ' and \" and `.txt",
        "back\\slash.txt",
        "a\nline feed",
        "tab\there",
        "emoji \U0001f9ed \U0001f469\u200d\U0001f680.txt",
        unicodedata.normalize("NFC", "caf\u00e9 (composed).txt"),
        unicodedata.normalize("NFD", "caf\u00e9 (decomposed).txt"),
        unicodedata.normalize("NFC", "na\u00efve"),
        unicodedata.normalize("NFD", "na\u00efve"),
        "right to left \u05e9\u05dc\u05d5\u05dd.txt",
        "no break\u00a0space",
        "zero\u200bwidth",
        "...three dots",
        "~tilde",
        "-rf",
        "CON",
        "n" * 200 + ".txt",
    ]


def orders_csv(rows: int = 5000) -> bytes:
    """Return a table of ``rows`` orders, with fields that need quoting."""
    chance = random.Random(1)  # noqa: S311 (a sample, not a secret)
    lines = ["order,date,place,item,count,price"]
    for number in range(rows):
        day = EPOCH + timedelta(minutes=7 * number)
        item = chance.choice(_GOODS).replace('"', '""')
        lines.append(
            f'{10_000 + number},{day:%Y-%m-%d %H:%M},{chance.choice(_PLACES)},"{item}",'
            f"{chance.randint(1, 9)},{chance.randint(199, 24_999) / 100:.2f}"
        )
    return ("\n".join(lines) + "\n").encode()


def events_jsonl(rows: int = 2000) -> bytes:
    """Return ``rows`` events, one JSON object a line."""
    chance = random.Random(2)  # noqa: S311 (a sample, not a secret)
    lines = []
    for number in range(rows):
        moment = EPOCH + timedelta(seconds=11 * number)
        event = {
            "id": f"{chance.getrandbits(48):012x}",
            "at": moment.isoformat(),
            "what": chance.choice(_WHAT),
            "item": chance.choice(_GOODS),
            "place": {"name": chance.choice(_PLACES), "code": chance.randint(100, 999)},
            "tags": chance.sample(("new", "sale", "gift", "mobile"), chance.randint(0, 3)),
        }
        lines.append(json.dumps(event, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode()


def log_blocks(size: int = LOG_SIZE) -> Iterator[bytes]:
    """Yield a server's log, whole lines in blocks, until it has at least ``size`` bytes.

    A line differs from its neighbours in time and request; the requests come round again
    after 4,096, which is what makes 60 MB quick to write.
    """
    chance = random.Random(3)  # noqa: S311 (a sample, not a secret)
    tails = [_request(chance) for _ in range(4096)]
    made = second = 0
    while made < size:
        block = []
        for _ in range(600):
            stamp = (EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.").encode()
            first = second * _LINES_PER_SECOND
            block += [
                b"%s%03dZ %s" % (stamp, 61 * index, tails[(first + index) % len(tails)])
                for index in range(_LINES_PER_SECOND)
            ]
            second += 1
        joined = b"".join(block)
        made += len(joined)
        yield joined


def _request(chance: random.Random) -> bytes:
    status = chance.choice(_STATUSES)
    level = "INFO " if status < 400 else "WARN " if status < 500 else "ERROR"
    return (
        f"{level} gateway-{chance.randint(1, 4)} {chance.choice(_METHODS)} "
        f"/v1/objects/{chance.getrandbits(40):010x} status={status} "
        f"bytes={chance.randint(0, 900_000)} ms={chance.randint(1, 480)} "
        f"request={chance.getrandbits(64):016x}\n"
    ).encode()


def old_log_gz() -> bytes:
    """Return yesterday's log, about 1 MB of it, as gzip; the same bytes every time."""
    return gzip.compress(next(log_blocks(1)), compresslevel=6, mtime=0)


def binary(size: int = 1 << 20) -> bytes:
    """Return ``size`` bytes that are no text: a header, then numbers."""
    chance = random.Random(4)  # noqa: S311 (a sample, not a secret)
    header = b"DEMO\x00\x01\x02\x03" + struct.pack("<IIdd", size, 16, math.pi, math.e)
    return header + chance.randbytes(size - len(header))


def evening_png() -> bytes:
    """Return a picture of hills after sunset: 960 x 600 pixels in 256 colours."""
    hills = [
        _ridge(base=350, swing=34, waves=(1.3, 2.9, 7.1)),
        _ridge(base=410, swing=42, waves=(0.9, 3.7, 9.3)),
        _ridge(base=475, swing=38, waves=(1.7, 4.3, 11.9)),
        _ridge(base=540, swing=30, waves=(0.7, 2.3, 13.7)),
    ]
    rows = []
    for y in range(_HEIGHT):
        row = _sky(y)
        for depth, ridge in enumerate(hills):
            shade = 128 + depth * 32
            row = [
                shade + min(31, (y - top) // 5) if y >= top else below
                for top, below in zip(ridge, row, strict=True)
            ]
        rows.append(b"\x00" + bytes(row))
    return _png(_WIDTH, _HEIGHT, _palette(), b"".join(rows))


def _ridge(base: int, swing: int, waves: Sequence[float]) -> list[int]:
    """Return for each column how far down a range of hills begins."""
    columns = (math.tau * x / _WIDTH for x in range(_WIDTH))
    return [
        base + round(sum(swing / (n + 1) * math.sin(w * a + w * w) for n, w in enumerate(waves)))
        for a in columns
    ]


def _sky(y: int) -> list[int]:
    """Return one row of sky: lighter towards the horizon, and around the sun."""
    plain = y * 112 / 420
    sun_x, sun_y, radius, glow = 640, 300, 34, 230
    row = []
    for x in range(_WIDTH):
        far = math.hypot(x - sun_x, y - sun_y)
        light = 127.0 if far < radius else plain
        if radius <= far < glow:
            light += 42 * (1 - (far - radius) / (glow - radius)) ** 2
        # An ordered pattern of half a step hides the borders between the 128 shades.
        row.append(max(0, min(127, int(light + 0.25 + 0.5 * ((x + y) & 1)))))
    return row


def _palette() -> bytes:
    """Return 128 shades of sky, then 32 for each of four ranges of hills."""
    sky = [(24, 26, 66), (74, 46, 110), (176, 78, 120), (242, 142, 100), (255, 226, 170)]
    hills = [
        ((150, 84, 128), (196, 120, 132)),
        ((98, 60, 112), (140, 84, 124)),
        ((56, 42, 86), (86, 60, 104)),
        ((24, 22, 50), (40, 34, 70)),
    ]
    colours = [_blend(sky, n / 127) for n in range(128)]
    for top, foot in hills:
        colours += [_blend([top, foot], n / 31) for n in range(32)]
    return b"".join(bytes(colour) for colour in colours)


def _blend(stops: Sequence[tuple[int, int, int]], at: float) -> tuple[int, int, int]:
    """Return the colour at ``at`` (0 to 1) of a gradient through ``stops``."""
    place = at * (len(stops) - 1)
    left = min(int(place), len(stops) - 2)
    share = place - left
    red, green, blue = (
        round(a + (b - a) * share) for a, b in zip(stops[left], stops[left + 1], strict=True)
    )
    return red, green, blue


def _png(width: int, height: int, palette: bytes, rows: bytes) -> bytes:
    """Return an indexed PNG (W3C PNG, third edition); each row begins with its filter byte."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"PLTE", palette)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )
