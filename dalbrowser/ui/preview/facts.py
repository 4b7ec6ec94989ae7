"""What is known of the object, and what the preview cost, as texts; pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from dalbrowser.ui.format import (
    count_text,
    duration_text,
    exact_size,
    exact_time,
    size_text,
    visible_name,
)

if TYPE_CHECKING:
    from dalbrowser.preview import RangeSource
    from dalbrowser.storage import Metadata

_SECOND = 1000
_LONG = 10_000


def tr(text: str) -> str:
    """Translate a text of the preview pane."""
    return QCoreApplication.translate("preview", text)


def cost_text(source: RangeSource) -> str:
    """Write what was read: ``read 214 KiB of 3.10 TiB · 4 requests · 180 ms``."""
    total = size_text(source.total)
    if not source.requests:
        known = tr("read nothing of {total} · kept from before").format(total=total)
        return known if source.total else tr("read nothing")
    requests = (
        tr("1 request")
        if source.requests == 1
        else tr("{n} requests").format(n=count_text(source.requests))
    )
    pattern = tr("read {done} of {total} · {requests} · {time}")
    if not source.total:
        pattern = tr("read {done} · {requests} · {time}")
    return pattern.format(
        done=size_text(source.bytes_read),
        total=total,
        requests=requests,
        time=_time(source.seconds),
    )


def facts(metadata: Metadata) -> list[tuple[str, str]]:
    """Return the known facts of an object as (title, text), the exact ones."""
    found = [
        (tr("Size"), _size(metadata)),
        (tr("Type"), metadata.content_type),
        (tr("Encoding"), metadata.content_encoding),
        (tr("Modified"), exact_time(metadata.last_modified) if metadata.last_modified else None),
        (tr("ETag"), metadata.etag),
        (tr("Version"), metadata.version),
        (tr("Storage class"), metadata.storage_class),
        (tr("Owner"), metadata.owner),
        (tr("Cache control"), metadata.cache_control),
        (tr("Disposition"), metadata.content_disposition),
        *((name, text) for name, text in sorted(metadata.checksums.items())),
        *((visible_name(key), text) for key, text in sorted(metadata.user_metadata.items())),
    ]
    return [(title, text) for title, text in found if text]


def _size(metadata: Metadata) -> str | None:
    size = metadata.content_length
    if size is None:
        return None
    return exact_size(size) if size < 1024 else f"{size_text(size)} ({exact_size(size)})"


def _time(seconds: float) -> str:
    milliseconds = round(seconds * _SECOND)
    if milliseconds < _LONG:
        return tr("{n} ms").format(n=count_text(milliseconds))
    return duration_text(seconds)
