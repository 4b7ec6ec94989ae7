"""What the kernel says becomes a sentence; what can pass is temporary."""

from __future__ import annotations

import errno

import pytest

from dalbrowser.storage.errors import ErrorKind, ErrorStatus
from dalbrowser.storage.services.fs.faults import storage_error


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.EACCES, ErrorKind.PERMISSION_DENIED, "permissions"),
        (errno.EROFS, ErrorKind.PERMISSION_DENIED, "read-only"),
        (errno.ENOSPC, ErrorKind.UNEXPECTED, "full"),
        (errno.EDQUOT, ErrorKind.UNEXPECTED, "quota"),
        (errno.ENOTDIR, ErrorKind.NOT_A_DIRECTORY, "file"),
        (errno.ENAMETOOLONG, ErrorKind.INVALID_INPUT, "too long"),
        (errno.EIO, ErrorKind.UNEXPECTED, "disk"),
    ],
)
def test_permanent(code: int, kind: ErrorKind, words: str) -> None:
    error = storage_error(OSError(code, "kernel words"))
    assert error.kind is kind
    assert error.status is ErrorStatus.PERMANENT
    assert words in error.message
    assert error.context["errno"] == errno.errorcode[code]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EBUSY, errno.ESTALE, errno.EAGAIN])
def test_temporary(code: int) -> None:
    assert storage_error(OSError(code, "kernel words")).is_temporary


def test_unknown_errno_keeps_the_kernels_words() -> None:
    assert "kernel words" in storage_error(OSError(errno.EOWNERDEAD, "kernel words")).message
