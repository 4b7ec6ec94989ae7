"""From a listing's pages to the model, in batches that grow with what is there.

Invariants: the first page is shown at once; a reload fills columns aside and shows them
when they are whole, so that a failure leaves what was there, unless it says that the place
is gone; a page of another listing than the last one opened is dropped.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.ui.entries.columns import EntryColumns
from dalbrowser.ui.placeholders import is_bucket_gone

if TYPE_CHECKING:
    from dalbrowser.session import Listing
    from dalbrowser.storage.types import Entry
    from dalbrowser.ui.entries.model import EntryModel

# Inserting into a table costs in proportion to its rows (a million: 28 ms), so a batch is
# at least a quarter of what is shown, unless that much time, in seconds, has passed.
_QUARTER = 4
_PATIENCE = 2.0


class ListingFeed(QObject):
    """The sink of the session's listings.

    Signals:
        progressed: a page came, or the listing began.
        finished: the listing is complete.
        failed: the listing broke off, with its error.
    """

    progressed = Signal()
    finished = Signal()
    failed = Signal(object)

    def __init__(self, model: EntryModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._columns = EntryColumns()
        self._buckets = False
        self._aside = False
        self._shown = 0
        self._shown_at = 0.0
        self.generation = 0

    def expect(self, prefix: str, *, buckets: bool, reload: bool) -> None:
        """Get ready for the next listing, of the folder ``prefix``."""
        self._columns = EntryColumns(prefix)
        self._buckets = buckets
        self._aside = reload and self._model.total > 0
        self._shown = 0
        self.generation = 0
        if not self._aside:
            self._model.load(self._columns, buckets=buckets)

    def listing_started(self, listing: Listing) -> None:
        """Take this listing for the one that is shown."""
        self.generation = listing.generation
        self._shown_at = monotonic()
        self.progressed.emit()

    def listing_page(self, listing: Listing, entries: list[Entry]) -> None:
        """Take a page in."""
        if listing.generation != self.generation:
            return
        self._columns.append(entries)
        if not self._aside and self._due():
            self._show()
        self.progressed.emit()

    def listing_finished(self, listing: Listing) -> None:
        """Show all that came, in its order."""
        if listing.generation != self.generation:
            return
        self._settle()
        self.finished.emit()

    def listing_failed(self, listing: Listing, error: Exception) -> None:
        """Show what came before the failure; after a failed reload, what was there before.

        Where the place itself is gone, nothing of it is there any more.
        """
        if listing.generation != self.generation:
            return
        if not self._aside or _is_gone(error):
            self._settle()
        self.failed.emit(error)

    def stopped(self) -> None:
        """Show what came until the listing was stopped."""
        if not self._aside:
            self._settle()
        self.generation = 0

    def _due(self) -> bool:
        waiting = len(self._columns) - self._shown
        return waiting * _QUARTER >= self._shown or monotonic() - self._shown_at > _PATIENCE

    def _show(self) -> None:
        added = range(self._shown, len(self._columns))
        self._shown = len(self._columns)
        self._shown_at = monotonic()
        self._model.show_rows(added)

    def _settle(self) -> None:
        if self._aside:
            self._model.load(self._columns, buckets=self._buckets)
        else:
            self._show()
            self._model.arrange()


def _is_gone(error: Exception) -> bool:
    missing = isinstance(error, StorageError) and error.kind is ErrorKind.NOT_FOUND
    return missing or is_bucket_gone(error)
