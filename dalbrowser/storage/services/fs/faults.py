"""From the kernel's errno to a ``StorageError`` that says what to do.

Invariant: every ``OSError`` of this service passes through ``storage_error`` once, and only
what can pass by itself (too many open files, a busy file) is temporary.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Mapping[int, tuple[ErrorKind, str]] = {
    errno.ENOENT: (ErrorKind.NOT_FOUND, "There is no such file or folder; reload the folder."),
    errno.EACCES: (
        ErrorKind.PERMISSION_DENIED,
        "The file system refused; check who owns the file and its folder, and their permissions.",
    ),
    errno.EPERM: (
        ErrorKind.PERMISSION_DENIED,
        "The file system does not allow this; check owner and permissions, and whether the file"
        " is immutable.",
    ),
    errno.EROFS: (ErrorKind.PERMISSION_DENIED, "The file system is mounted read-only."),
    errno.EISDIR: (ErrorKind.IS_A_DIRECTORY, "There is a folder of this name; use another name."),
    errno.ENOTDIR: (
        ErrorKind.NOT_A_DIRECTORY,
        "A part of the path is a file, so nothing can be under it; use another path.",
    ),
    errno.EEXIST: (ErrorKind.ALREADY_EXISTS, "Something of this name exists; use another name."),
    errno.ENOTEMPTY: (
        ErrorKind.INVALID_INPUT,
        "The folder is not empty; delete what it holds first.",
    ),
    errno.ENAMETOOLONG: (
        ErrorKind.INVALID_INPUT,
        "A name is too long for this file system (mostly 255 bytes a name); use a shorter one.",
    ),
    errno.ELOOP: (
        ErrorKind.PERMISSION_DENIED,
        "Links lead in a circle, or a link was put in place while this ran; open its target.",
    ),
    errno.ENOSPC: (
        ErrorKind.UNEXPECTED,
        "The disk is full; free some space and try again. Nothing was replaced.",
    ),
    errno.EDQUOT: (
        ErrorKind.UNEXPECTED,
        "Your disk quota is used up; free some space and try again. Nothing was replaced.",
    ),
    errno.EFBIG: (ErrorKind.INVALID_INPUT, "The file is larger than this file system can hold."),
    errno.EIO: (
        ErrorKind.UNEXPECTED,
        "The device reported an input/output error; check the disk or the network mount.",
    ),
    errno.EXDEV: (ErrorKind.UNSUPPORTED, "Source and target are on different file systems."),
    errno.EINVAL: (
        ErrorKind.INVALID_INPUT,
        "The file system cannot express this name or request; use another name.",
    ),
    errno.EILSEQ: (ErrorKind.INVALID_INPUT, "The file system cannot store this name."),
    errno.ENOTSUP: (ErrorKind.UNSUPPORTED, "This file system cannot do that."),
    errno.ENXIO: (ErrorKind.UNSUPPORTED, "This is a device or socket, not a file with bytes."),
    errno.E2BIG: (ErrorKind.INVALID_INPUT, "The metadata is larger than this file system keeps."),
}

_TEMPORARY: Mapping[int, str] = {
    errno.EAGAIN: "The file is in use; trying again may help.",
    errno.EBUSY: "The file or folder is in use; trying again may help.",
    errno.ETXTBSY: "The file is a program that is running; stop it first.",
    errno.EMFILE: "Too many files are open in this program; trying again may help.",
    errno.ENFILE: "Too many files are open on this machine; trying again may help.",
    errno.ESTALE: "The network mount lost track of the file; trying again may help.",
    errno.ETIMEDOUT: "The network mount did not answer in time; trying again may help.",
    errno.EINTR: "The call was interrupted; trying again may help.",
}


def storage_error(error: OSError) -> StorageError:
    """Return what ``error`` means here; the errno's name goes into its context."""
    code = error.errno or 0
    context = {"errno": errno.errorcode.get(code, str(code))}
    if code in _TEMPORARY:
        return StorageError(
            ErrorKind.UNEXPECTED, _TEMPORARY[code], status=ErrorStatus.TEMPORARY, context=context
        )
    kind, message = _KINDS.get(
        code, (ErrorKind.UNEXPECTED, f"The file system answered: {error.strerror or error}.")
    )
    return StorageError(kind, message, context=context)


def not_found(what: str = "There is no such file; reload the folder.") -> StorageError:
    """Return the error for something that is not there."""
    return StorageError(ErrorKind.NOT_FOUND, what)
