"""Previews over a real S3 server: pinned ranges, an empty object, one replaced meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.preview import MessageValue, ObjectReplaced, PreviewService, TextValue
from dalbrowser.storage import Operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dalbrowser.storage.types import HttpExchange
    from tests.servers.s3_server import S3Server

LINES = [f"row {number} of the object" for number in range(60_000)]
TEXT = "\n".join(LINES).encode()


@pytest.fixture
async def op(s3_server: S3Server, s3_bucket: str) -> AsyncIterator[Operator]:
    async with Operator("s3", **s3_server.operator_config(s3_bucket)) as operator:
        yield operator


async def test_a_listed_text_costs_two_ranged_requests(op: Operator) -> None:
    await op.write("logs/a b+c.log", TEXT)
    (entry,) = await op.list("logs/")
    sent: list[HttpExchange] = []
    op.observe(sent.append)
    preview = await PreviewService().open(op, entry.path, entry.metadata)
    assert isinstance(preview.value, TextValue)
    document = preview.value.document
    first, last = document.peek_rows_from(0, 3), document.peek_rows_before(document.size, 3)
    assert [row.text for row in first or ()] == LINES[:3]
    assert [row.text for row in last or ()] == LINES[-3:]
    assert [exchange.method for exchange in sent] == ["GET", "GET"]
    assert sum(exchange.received for exchange in sent) == preview.source.bytes_read < len(TEXT)


async def test_an_empty_object_whose_size_nobody_knew(op: Operator) -> None:
    await op.write("empty.txt", b"")
    preview = await PreviewService().open(op, "empty.txt")
    assert isinstance(preview.value, MessageValue)
    assert preview.value.title == "Empty"


async def test_an_object_replaced_meanwhile(op: Operator) -> None:
    await op.write("a.log", TEXT)
    preview = await PreviewService().open(op, "a.log", await op.stat("a.log"))
    await op.write("a.log", TEXT[::-1])
    with pytest.raises(ObjectReplaced):
        await preview.source.read(600_000, 700_000)
