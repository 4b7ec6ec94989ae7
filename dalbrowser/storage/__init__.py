"""The embedded operator: one way to reach every storage service, exact to the byte and the key.

Public names are exported here; see ``README.md`` beside this file.
"""

from dalbrowser.storage.accessor import Accessor
from dalbrowser.storage.capability import Capability
from dalbrowser.storage.context import AccessorInfo
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.layer import Layer, LayeredAccessor
from dalbrowser.storage.layers.capability_override import CapabilityOverrideLayer
from dalbrowser.storage.layers.chaos import ChaosLayer
from dalbrowser.storage.layers.concurrency import ConcurrentLimitLayer
from dalbrowser.storage.layers.inspect import InspectLayer
from dalbrowser.storage.layers.mime_guess import MimeGuessLayer
from dalbrowser.storage.layers.retry import (
    Retried,
    RetryBudget,
    RetryLayer,
    hear_retries,
    tried_once,
)
from dalbrowser.storage.layers.throttle import ThrottleLayer
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
    "CapabilityOverrideLayer",
    "ChaosLayer",
    "ConcurrentLimitLayer",
    "Data",
    "DeleteOutcome",
    "Entry",
    "EntryMode",
    "ErrorKind",
    "ErrorStatus",
    "HttpExchange",
    "InspectLayer",
    "Layer",
    "LayeredAccessor",
    "Lister",
    "Metadata",
    "Metakey",
    "MimeGuessLayer",
    "Multipart",
    "MultipartUpload",
    "Operator",
    "Part",
    "PartWriter",
    "PresignedRequest",
    "Reader",
    "Retried",
    "RetryBudget",
    "RetryLayer",
    "StorageError",
    "ThrottleLayer",
    "TimeoutLayer",
    "Writer",
    "hear_retries",
    "tried_once",
]
