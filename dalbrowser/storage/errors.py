"""The one error of the storage library, its kinds and its retry status.

::

    StorageError
      kind    what happened            (ErrorKind)
      status  whether to try again     (ErrorStatus; the retry layer reads only this)

Invariant: a message says what came back and what to do; *what was tried, on what*
is carried in ``operation``, ``path`` and ``service``, filled in once by the error
context layer, and joined in ``str()``. No secret is ever put in an error.
"""

from __future__ import annotations

from enum import Enum


class ErrorKind(Enum):
    """What went wrong, in the words of OpenDAL's ``ErrorKind``."""

    UNEXPECTED = "Unexpected"
    UNSUPPORTED = "Unsupported"
    CONFIG_INVALID = "ConfigInvalid"
    INVALID_INPUT = "InvalidInput"
    NOT_FOUND = "NotFound"
    PERMISSION_DENIED = "PermissionDenied"
    IS_A_DIRECTORY = "IsADirectory"
    NOT_A_DIRECTORY = "NotADirectory"
    ALREADY_EXISTS = "AlreadyExists"
    RATE_LIMITED = "RateLimited"
    IS_SAME_FILE = "IsSameFile"
    CONDITION_NOT_MATCH = "ConditionNotMatch"
    RANGE_NOT_SATISFIED = "RangeNotSatisfied"
    CONTENT_INCOMPLETE = "ContentIncomplete"
    CONTENT_TRUNCATED = "ContentTruncated"


class ErrorStatus(Enum):
    """Whether trying again can help.

    PERMANENT: it will fail again. TEMPORARY: it may succeed when tried again.
    PERSISTENT: it was temporary, was tried again, and kept failing.
    """

    PERMANENT = "Permanent"
    TEMPORARY = "Temporary"
    PERSISTENT = "Persistent"


class StorageError(Exception):
    """A failed storage operation.

    ``message`` is one sentence: what came back, and what to check or do.
    ``operation`` (``"stat"``), ``path`` (the exact key) and ``service`` (the scheme)
    are ``None`` until the error context layer fills them in.
    ``retry_after`` is the server's own wish in seconds, where it gave one.
    ``context`` holds further facts as text (``status``, ``code``, ``request_id``,
    ``range``, ``endpoint``), never a secret.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        status: ErrorStatus = ErrorStatus.PERMANENT,
        operation: str | None = None,
        path: str | None = None,
        service: str | None = None,
        retry_after: float | None = None,
        context: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.operation = operation
        self.path = path
        self.service = service
        self.retry_after = retry_after
        self.context: dict[str, str] = dict(context or {})

    @property
    def is_temporary(self) -> bool:
        """Whether the retry layer may try the operation again."""
        return self.status is ErrorStatus.TEMPORARY

    def __str__(self) -> str:
        where = " ".join(
            part
            for part in (
                self.service,
                self.operation,
                repr(self.path) if self.path is not None else None,
            )
            if part
        )
        facts = ", ".join(f"{name} {value}" for name, value in sorted(self.context.items()))
        head = f"{where}: " if where else ""
        tail = f" [{facts}]" if facts else ""
        return f"{head}{self.message} ({self.kind.value}){tail}"

    def __repr__(self) -> str:
        return f"StorageError({self.kind.value}, {self.status.value}, {str(self)!r})"


def unsupported(what: str, advice: str = "") -> StorageError:
    """Return the error for something that a service cannot do."""
    text = f"{what} is not supported here"
    return StorageError(ErrorKind.UNSUPPORTED, f"{text}; {advice}" if advice else f"{text}.")


def same_file(operation: str, path: str) -> StorageError:
    """Return the error for a source that is its own target."""
    return StorageError(
        ErrorKind.IS_SAME_FILE,
        "Source and target are the same; choose another target.",
        operation=operation,
        path=path,
    )
