"""A rig over moto with a relay before it, which may damage bytes and answers.

moto keeps checksums and believes them; it checks no signatures, so that a relay may also
change what was asked.
"""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.faults.rig import MiB, Rig
from tests.servers.relay import Said, relay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers.lying import LyingServer, Seen
    from tests.servers.relay import Asked, Change
    from tests.servers.s3_server import S3Server

_SENT = "x-amz-checksum-"
PART = 5 * MiB

LIMITS: dict[str, Any] = {
    "multipart_above": PART,
    "part_floor": PART,
    "ranges_above": 2 * MiB,
    "range_size": 2 * MiB,
    "attempts": 2,
    "part_attempts": 2,
    "backoff_base": 0.01,
    "backoff_cap": 0.02,
    "event_interval": 0.01,
}


@dataclasses.dataclass
class Place:
    """A rig before whose server a relay stands; ``change`` and ``asked`` may be set any time."""

    rig: Rig
    server: LyingServer
    change: Change | None = None
    asked: Asked | None = None
    lists_checksums: bool = True
    parts: dict[int, bytes] = dataclasses.field(default_factory=dict)
    """What a service lists of the checksums of each part, by its number."""

    def remember(self, seen: Seen) -> None:
        """Keep a part's checksums before it goes on: its answer may never be waited for."""
        query = parse_qs(seen.query.decode())
        if seen.method == "PUT" and "partNumber" in query:
            self.parts[int(query["partNumber"][0])] = b"".join(
                b"<%b>%b</%b>" % (field, value.encode(), field)
                for name, value in seen.headers.items()
                if name.startswith(_SENT)
                for field in [f"Checksum{name.removeprefix(_SENT).upper()}".encode()]
            )

    def apply(self, seen: Seen, said: Said) -> None:
        """Change an answer; moto names one of its documents as no other server does.

        Nor does it list the checksums that parts were sent with, as S3 does.
        """
        said.body = said.body.replace(b"ListPartsResponse", b"ListPartsResult")
        if self.lists_checksums and b"<ListPartsResult" in said.body:
            for number, listed in self.parts.items():
                said.body = said.body.replace(*_after(number, listed))
        if self.change is not None:
            self.change(seen, said)


def _after(number: int, listed: bytes) -> tuple[bytes, bytes]:
    """Return the number of a part as it is listed, and the same with more behind it."""
    said = b"<PartNumber>%d</PartNumber>" % number
    return said, said + listed


@asynccontextmanager
async def relayed(folder: Path, server: S3Server, bucket: str) -> AsyncIterator[Place]:
    """A place over ``server`` with its journal and files in ``folder``."""
    made: list[Place] = []

    def asked(seen: Seen) -> bytes:
        made[0].remember(seen)
        change = made[0].asked
        return seen.body if change is None else change(seen)

    def changed(seen: Seen, said: Said) -> None:
        made[0].apply(seen, said)

    async with relay(server.endpoint, changed, asked=asked) as relaying:
        config = dataclasses.replace(server, endpoint=relaying.endpoint).operator_config(bucket)
        made.append(Place(Rig(folder, "s3", config, bucket, dict(LIMITS)), relaying))
        yield made[0]
        await made[0].rig.op.aclose()
