"""Why a preview stopped, apart from what the storage itself says (``StorageError``).

::

    PreviewError
      BudgetSpent      the preview has read as much as it may; more has to be granted
      ObjectReplaced   the object is no longer the one whose first bytes were shown
      NotThisKind      the bytes are not what a provider reads; the next one is asked

Invariant: the text of each is one or two sentences for a person.
"""

from __future__ import annotations


class PreviewError(Exception):
    """A preview cannot go on; ``str()`` says why in a sentence."""


class BudgetSpent(PreviewError):
    """Reading on needs ``needed`` bytes more than the preview may still read."""

    def __init__(self, needed: int) -> None:
        super().__init__("This preview has read as much as it may. Load more to go on.")
        self.needed = needed


class ObjectReplaced(PreviewError):
    """The object changed under the preview; nothing of the new content was shown."""

    def __init__(self) -> None:
        super().__init__("The object was replaced while it was being previewed. Reload to see it.")


class NotThisKind(PreviewError):
    """The content is not of the provider's kind."""
