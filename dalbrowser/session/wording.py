"""Failures as sentences for a person: what was tried, on what, what came back, what to do."""

from __future__ import annotations

from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.utils.shortening import shortened

_LONGEST = 160
"""Characters of a path that a sentence says in full."""
_VERBS = {
    "stat": "Looking at",
    "read": "Reading",
    "write": "Writing",
    "list": "Listing",
    "delete": "Deleting",
    "copy": "Copying",
    "rename": "Renaming",
    "create_dir": "Creating the folder",
    "list_buckets": "Listing the buckets",
    "check": "Checking the connection",
    "create_multipart": "Beginning the upload of",
    "write_multipart": "Sending a part of",
    "complete_multipart": "Finishing the upload of",
    "abort_multipart": "Aborting the upload of",
}


def describe(error: BaseException) -> str:
    """Return one or two sentences about ``error``; never a traceback, never a secret."""
    if isinstance(error, StorageError):
        return _storage(error)
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}."
    text = str(error).strip()
    return text or type(error).__name__


def _storage(error: StorageError) -> str:
    verb = _VERBS.get(error.operation or "", "")
    on = f" “{shortened(error.path, _LONGEST)}”" if error.path else ""
    if verb and (on or error.operation in {"list_buckets", "check", "list"}):
        return f"{verb}{on} failed: {error.message}"
    return error.message


def is_gone(error: BaseException) -> bool:
    """Whether the thing itself no longer exists."""
    return isinstance(error, StorageError) and error.kind is ErrorKind.NOT_FOUND
