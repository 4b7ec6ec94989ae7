"""Opening previews: from an operator and a key to a neutral value.

Invariants: ``open`` reads ranges only, never writes, and always answers with a value; a
failure of the service, of the budget or of a parser is a sentence in it. Cancelling the
task that opens a preview ends its requests.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dalbrowser.preview.cache import DEFAULT_BUDGET, BlockCache
from dalbrowser.preview.choose import Clues, providers, ranked
from dalbrowser.preview.errors import BudgetSpent, NotThisKind, ObjectReplaced, PreviewError
from dalbrowser.preview.source import BLOCK, PREVIEW_BUDGET, RangeSource
from dalbrowser.preview.values import MessageValue, Preview, PreviewValue, Remedy
from dalbrowser.storage import ErrorKind, StorageError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from dalbrowser.preview.choose import Provider
    from dalbrowser.storage import Metadata, Operator

log = logging.getLogger(__name__)


class PreviewService:
    """Opens previews over one shared cache of blocks (``cache_budget`` bytes)."""

    def __init__(
        self,
        *,
        cache_budget: int = DEFAULT_BUDGET,
        preview_budget: int = PREVIEW_BUDGET,
        candidates: Sequence[Provider] | None = None,
    ) -> None:
        self.cache = BlockCache(cache_budget)
        self._preview_budget = preview_budget
        self._candidates = None if candidates is None else tuple(candidates)

    def source(
        self,
        op: Operator,
        path: str,
        metadata: Metadata | None = None,
        *,
        connection: Hashable | None = None,
    ) -> RangeSource:
        """Return the source that a preview of the exact key ``path`` will read through.

        Its counters run while ``open`` is under way, so a view can show the cost so far.
        """
        return RangeSource(
            op,
            path,
            metadata,
            cache=self.cache,
            connection=connection,
            budget=self._preview_budget,
        )

    async def open(
        self,
        op: Operator,
        path: str,
        metadata: Metadata | None = None,
        *,
        connection: Hashable | None = None,
    ) -> Preview:
        """Open a preview of the exact key ``path``; ``metadata`` is what a listing knew."""
        return await self.open_source(self.source(op, path, metadata, connection=connection))

    async def open_source(self, source: RangeSource) -> Preview:
        """Open a preview over a source made by ``source``, or again after ``grant_more``."""
        try:
            value, provider = await self._open(source)
        except (StorageError, PreviewError) as error:
            value, provider = problem_value(error), ""
        return Preview(value, source, provider, source.metadata)

    async def _open(self, source: RangeSource) -> tuple[PreviewValue, str]:
        await source.open()
        if source.total == 0:
            return MessageValue("Empty", "This object has no bytes."), ""
        magic = await source.read(0, BLOCK)
        clues = Clues.of(source.path, source.metadata.content_type, magic)
        for provider in ranked(self._candidates or providers(), clues):
            try:
                return await provider.open(source, clues), provider.name
            except NotThisKind as error:
                log.debug("preview provider %s passed on: %s", provider.name, error)
            except (StorageError, PreviewError):
                raise
            except Exception:
                log.exception("preview provider %s failed", provider.name)
        return MessageValue("No preview", "Nothing here can show this kind of object."), ""


def problem_value(error: StorageError | PreviewError) -> MessageValue:
    """Return the message that stands for a failure, with what helps."""
    if isinstance(error, BudgetSpent):
        return MessageValue("More to read", str(error), Remedy.LOAD_MORE, error.needed)
    if isinstance(error, ObjectReplaced):
        return MessageValue("Replaced", str(error), Remedy.RELOAD)
    if not isinstance(error, StorageError):
        return MessageValue("No preview", str(error))
    if error.kind is ErrorKind.NOT_FOUND:
        text = "The object is no longer there. Reload the folder to see what is."
        return MessageValue("Not found", text)
    if error.kind is ErrorKind.PERMISSION_DENIED:
        return MessageValue("No permission", error.message, Remedy.RELOAD)
    return MessageValue("Could not be read", error.message, Remedy.RELOAD)
