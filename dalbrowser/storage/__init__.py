"""The embedded operator: one way to reach every storage service, exact to the byte and the key.

Public names are exported here; see ``README.md`` beside this file.
"""

from typing import TYPE_CHECKING

from dalbrowser.storage.accessor import Accessor
from dalbrowser.storage.capability import Capability
from dalbrowser.storage.context import AccessorInfo
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.layer import Layer, LayeredAccessor
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
from dalbrowser.utils.lazily import names_from

if TYPE_CHECKING:
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

if not TYPE_CHECKING:
    # Each is loaded by whoever puts it around something.
    __getattr__ = names_from(
        globals(),
        {
            "layers.capability_override": ("CapabilityOverrideLayer",),
            "layers.chaos": ("ChaosLayer",),
            "layers.concurrency": ("ConcurrentLimitLayer",),
            "layers.inspect": ("InspectLayer",),
            "layers.mime_guess": ("MimeGuessLayer",),
            "layers.retry": (
                "Retried",
                "RetryBudget",
                "RetryLayer",
                "hear_retries",
                "tried_once",
            ),
            "layers.throttle": ("ThrottleLayer",),
            "layers.timeout": ("TimeoutLayer",),
        },
    )
