"""Building blocks for services, written once: paging and writers over a few raw requests.

A service gives the requests (a backend protocol), these give the behaviour: chunking,
concurrency, retry-safe calls, clean aborts.
"""

from dalbrowser.storage.oio.append_write import AppendBackend, AppendWriter
from dalbrowser.storage.oio.batch_delete import delete_each
from dalbrowser.storage.oio.block_write import BlockBackend, block_writer
from dalbrowser.storage.oio.body import BlockBody, ByRangeSeekableReader, StreamableReader
from dalbrowser.storage.oio.multipart_write import (
    MAX_PARTS,
    MultipartBackend,
    MultipartWriter,
    part_size,
)
from dalbrowser.storage.oio.oneshot_write import OneShotWriter
from dalbrowser.storage.oio.paging import GivenPages, PageLister, Pager, Progress
from dalbrowser.storage.oio.part_write import BufferedPartWriter

__all__ = [
    "MAX_PARTS",
    "AppendBackend",
    "AppendWriter",
    "BlockBackend",
    "BlockBody",
    "BufferedPartWriter",
    "ByRangeSeekableReader",
    "GivenPages",
    "MultipartBackend",
    "MultipartWriter",
    "OneShotWriter",
    "PageLister",
    "Pager",
    "Progress",
    "StreamableReader",
    "block_writer",
    "delete_each",
    "part_size",
]
