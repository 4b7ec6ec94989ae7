"""The embedded operator: one way to reach every storage service, exact to the byte and the key.

Public names are exported here; see ``README.md`` beside this file.
"""

from dalbrowser.storage.accessor import Accessor
from dalbrowser.storage.capability import Capability
from dalbrowser.storage.context import AccessorInfo
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.layer import Layer, LayeredAccessor
from dalbrowser.storage.layers.retry import RetryBudget, RetryLayer
from dalbrowser.storage.layers.timeout import TimeoutLayer
from dalbrowser.storage.lister import Lister
from dalbrowser.storage.multipart import Multipart, PartWriter
from dalbrowser.storage.operator import Operator
from dalbrowser.storage.reader import Reader
from dalbrowser.storage.types import (
    Bucket,
    ByteRange,
    Data,
    DeleteOutcome,
    Entry,
    EntryMode,
    HttpExchange,
    Metadata,
    Metakey,
    MultipartUpload,
    Part,
    PresignedRequest,
)
from dalbrowser.storage.writer import Writer

__all__ = [
    "Accessor",
    "AccessorInfo",
    "Bucket",
    "ByteRange",
    "Capability",
    "Data",
    "DeleteOutcome",
    "Entry",
    "EntryMode",
    "ErrorKind",
    "ErrorStatus",
    "HttpExchange",
    "Layer",
    "LayeredAccessor",
    "Lister",
    "Metadata",
    "Metakey",
    "Multipart",
    "MultipartUpload",
    "Operator",
    "Part",
    "PartWriter",
    "PresignedRequest",
    "Reader",
    "RetryBudget",
    "RetryLayer",
    "StorageError",
    "TimeoutLayer",
    "Writer",
]
