"""From an S3 error reply to a sentence that says what to check.

The XML code decides before the status. Source of the codes: S3 API
Reference, "Error responses". Invariant: the server's own words are quoted at most in
part, and no header of the request is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net import dates, xml
from dalbrowser.storage.net.client import retry_after, status_of
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Mapping


MAX_ERROR_BODY = 64 * 1024
"""Bytes read of an error reply; S3's own errors are under 2 KB."""

_SKEW_SECONDS = 15 * 60
"""What S3 tolerates between the clocks (S3 API Reference, RequestTimeTooSkewed)."""

_P, _T = ErrorStatus.PERMANENT, ErrorStatus.TEMPORARY
_K = ErrorKind

_CODES: dict[str, tuple[ErrorKind, ErrorStatus, str]] = {
    "NoSuchKey": (_K.NOT_FOUND, _P, "There is no object with this key."),
    "NoSuchVersion": (_K.NOT_FOUND, _P, "There is no such version of this object."),
    "NoSuchUpload": (
        _K.NOT_FOUND,
        _P,
        "The server does not know this upload: it was completed or aborted. Begin it anew.",
    ),
    "NoSuchBucket": (
        _K.CONFIG_INVALID,
        _P,
        "There is no bucket {bucket!r} at {where}. Check the bucket's name and the endpoint.",
    ),
    "InvalidBucketName": (
        _K.CONFIG_INVALID,
        _P,
        "The server does not take {bucket!r} as a bucket's name. Check its spelling.",
    ),
    "AccessDenied": (
        _K.PERMISSION_DENIED,
        _P,
        "The server does not allow this access key to {act}. Check the key's permissions"
        " and the policy of the bucket {bucket!r}.",
    ),
    "SignatureDoesNotMatch": (
        _K.PERMISSION_DENIED,
        _P,
        "The server calculated another signature. Check the secret key; if it is right, check"
        " the region and that nothing on the way changes requests.",
    ),
    "InvalidAccessKeyId": (
        _K.PERMISSION_DENIED,
        _P,
        "The server does not know this access key. Check the access key and the endpoint.",
    ),
    "ExpiredToken": (
        _K.PERMISSION_DENIED,
        _P,
        "The temporary credentials have expired. Get new ones and enter them again.",
    ),
    "InvalidToken": (
        _K.PERMISSION_DENIED,
        _P,
        "The server does not accept the session token. Get new temporary credentials.",
    ),
    "RequestTimeTooSkewed": (
        _K.PERMISSION_DENIED,
        _P,
        "The server refuses the request's time. Set this computer's clock.",
    ),
    "PreconditionFailed": (
        _K.CONDITION_NOT_MATCH,
        _P,
        "The object is not as the condition demands: it was changed, or exists already.",
    ),
    "ConditionalRequestConflict": (
        _K.CONDITION_NOT_MATCH,
        _T,
        "Another request changed the object at the same time. Try again.",
    ),
    "InvalidRange": (
        _K.RANGE_NOT_SATISFIED,
        _P,
        "The range begins past the end of the object. Ask for its size first.",
    ),
    "SlowDown": (_K.RATE_LIMITED, _T, "The server asks to slow down. Try again later."),
    "OperationAborted": (
        _K.UNEXPECTED,
        _T,
        "Another operation on the same thing is under way. Try again.",
    ),
    "RequestTimeout": (
        _K.UNEXPECTED,
        _T,
        "The server waited too long for the body. Try again; check the network.",
    ),
    "InternalError": (_K.UNEXPECTED, _T, "The server failed inside. Try again later."),
    "ServiceUnavailable": (_K.UNEXPECTED, _T, "The server is not available. Try again later."),
    "BadDigest": (
        _K.UNEXPECTED,
        _T,
        "The bytes that arrived have another checksum; they were damaged on the way. Try again.",
    ),
    "EntityTooSmall": (
        _K.INVALID_INPUT,
        _P,
        "A part is smaller than the server takes (5 MiB, but for the last). Use larger parts.",
    ),
    "EntityTooLarge": (
        _K.INVALID_INPUT,
        _P,
        "The body is larger than the server takes in one request. Use a multipart upload.",
    ),
    "InvalidPart": (
        _K.INVALID_INPUT,
        _P,
        "A part is missing or has another ETag than given. List the parts and send it again.",
    ),
    "InvalidPartOrder": (_K.INVALID_INPUT, _P, "The parts must be given in ascending order."),
    "KeyTooLongError": (
        _K.INVALID_INPUT,
        _P,
        "The key is longer than the server takes (1,024 bytes). Use a shorter name.",
    ),
    "InvalidObjectName": (
        _K.INVALID_INPUT,
        _P,
        "The server takes no such key: it is too long (over 1,024 bytes), or has characters that"
        " it does not take. Use another name.",
    ),
    "InvalidObjectState": (
        _K.UNSUPPORTED,
        _P,
        "The object is in an archive class and cannot be read. Restore it first.",
    ),
    "QuotaExceeded": (
        _K.PERMISSION_DENIED,
        _P,
        "The quota is used up. Delete something, or have the quota raised.",
    ),
    "NotImplemented": (_K.UNSUPPORTED, _P, "The server does not have this operation."),
    "MethodNotAllowed": (_K.UNSUPPORTED, _P, "The server does not allow this operation here."),
}
_SAME = {
    "NotFound": "NoSuchKey",
    "AllAccessDisabled": "AccessDenied",
    "AccountProblem": "AccessDenied",
    "Forbidden": "AccessDenied",
    "TokenRefreshRequired": "ExpiredToken",
    "TooManyRequests": "SlowDown",
    "TooManyRequestsException": "SlowDown",
    "Throttling": "SlowDown",
    "ThrottlingException": "SlowDown",
    "RequestLimitExceeded": "SlowDown",
    "ServiceUnavailableException": "ServiceUnavailable",
    "XAmzContentSHA256Mismatch": "BadDigest",
    "XAmzContentChecksumMismatch": "BadDigest",
    "InvalidDigest": "BadDigest",
    "KeyTooLong": "KeyTooLongError",
    "NoSuchObject": "NoSuchKey",
    "NotModified": "PreconditionFailed",
}
_STATUSES = {
    304: "PreconditionFailed",
    403: "AccessDenied",
    404: "NoSuchKey",
    405: "MethodNotAllowed",
    409: "ConditionalRequestConflict",
    412: "PreconditionFailed",
    413: "EntityTooLarge",
    416: "InvalidRange",
    429: "SlowDown",
    500: "InternalError",
    501: "NotImplemented",
    502: "ServiceUnavailable",
    503: "ServiceUnavailable",
    504: "ServiceUnavailable",
}
SKEWED = "RequestTimeTooSkewed"
"""The code after which the server's own time may help."""
EXPIRED = frozenset({"ExpiredToken", "TokenRefreshRequired", "InvalidToken"})
"""Codes after which fresh credentials may help."""


@record()
class Asked:
    """What was asked, for the sentence: where, of which bucket, and the act in words."""

    where: str
    bucket: str
    act: str
    region: str


@record()
class Answer:
    """The facts of an error reply."""

    status: int
    code: str
    message: str
    region: str
    request_id: str


def answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Read an error reply; a body that is no XML error leaves the code empty."""
    code = headers.get("x-minio-error-code", "")
    message = region = ""
    if b"<Error" in body[:1024]:
        try:
            root: ET.Element | None = xml.parse(body, "The error reply")
        except StorageError:
            root = None
        if root is not None and xml.local(root.tag) == "ErrorResponse":
            root = next(iter(root), root)
        if root is not None:
            code = xml.text_of(root, "Code") or code
            message = xml.text_of(root, "Message") or ""
            region = xml.text_of(root, "Region") or ""
    return Answer(
        status,
        code,
        message[:300],
        headers.get("x-amz-bucket-region", "") or region,
        headers.get("x-amz-request-id", ""),
    )


def failure(found: Answer, headers: Mapping[str, str], asked: Asked) -> StorageError:
    """Return the error for a reply that was not what was asked for."""
    context = {"status": str(found.status)}
    if found.code:
        context["code"] = found.code
    if found.request_id:
        context["request_id"] = found.request_id
    if special := _special(found, headers, asked):
        special.context.update(context)
        return special
    name = _SAME.get(found.code, found.code)
    if name not in _CODES:
        name = _STATUSES.get(found.status, "")
        if found.code and name in {"AccessDenied", "NoSuchKey", "ConditionalRequestConflict"}:
            name = ""  # A code of its own says more than the status does.
    if name in _CODES:
        kind, status, text = _CODES[name]
        sentence = text.format(bucket=asked.bucket, where=asked.where, act=asked.act)
    else:
        kind, status = _by_status(found.status)
        sentence = _unknown(found, asked)
    return StorageError(
        kind, sentence, status=status, retry_after=retry_after(headers), context=context
    )


def is_a_page(headers: Mapping[str, str]) -> bool:
    """Whether a reply of success is a page for people, from somebody in the service's place.

    An object that is a page has an ETag, and what S3 says of itself begins with ``x-amz``.
    """
    if not headers.get("content-type", "").startswith("text/html") or "etag" in headers:
        return False
    return not any(name.startswith("x-amz") for name in headers)


def page_instead(asked: Asked) -> StorageError:
    """Return the error for such a page: the network may let the real server through later."""
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"In place of {asked.where} somebody answered with a web page when asked to {asked.act}."
        " This network, or a proxy, may want you to log in first: open any page in a web browser."
        " If it stays, check that the endpoint is an S3 server.",
        status=_T,
    )


def _by_status(status: int) -> tuple[ErrorKind, ErrorStatus]:
    kinds = {
        400: ErrorKind.INVALID_INPUT,
        403: ErrorKind.PERMISSION_DENIED,
        404: ErrorKind.NOT_FOUND,
        409: ErrorKind.CONDITION_NOT_MATCH,
    }
    kind = kinds.get(status, ErrorKind.UNEXPECTED)
    return kind, ErrorStatus.PERMANENT if kind is ErrorKind.NOT_FOUND else status_of(status)


def _unknown(found: Answer, asked: Asked) -> str:
    try:
        phrase = HTTPStatus(found.status).phrase
    except ValueError:
        phrase = "unknown status"
    said = f"{found.code}: {found.message}" if found.code else f"{found.status} {phrase}"
    return f"{asked.where} answered {said!r}. Check the endpoint, and that it is an S3 server."


def _special(found: Answer, headers: Mapping[str, str], asked: Asked) -> StorageError | None:
    """Return the error of the cases that need more than the code: region, clock, markers."""
    if headers.get("x-amz-delete-marker") == "true":
        return StorageError(
            ErrorKind.NOT_FOUND, "The object is deleted: this version is a delete marker."
        )
    redirected = 300 <= found.status < 400 and found.status != HTTPStatus.NOT_MODIFIED
    if found.region and found.region != asked.region and (redirected or found.status == 400):
        return StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The bucket {asked.bucket!r} is in the region {found.region!r}, and the connection"
            f" says {asked.region!r}. Change the region.",
        )
    if found.code in {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}:
        return StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The server does not take the region {asked.region!r}. Check the region.",
        )
    if redirected:
        return StorageError(
            ErrorKind.CONFIG_INVALID,
            f"{asked.where} redirects elsewhere, and credentials are not sent after it."
            " Check the endpoint and the region.",
        )
    return _clock(found, headers)


def _clock(found: Answer, headers: Mapping[str, str]) -> StorageError | None:
    """Return the error of a refusal that a wrong clock explains (a HEAD brings no code)."""
    if found.status != HTTPStatus.FORBIDDEN or found.code not in {"", "RequestTimeTooSkewed"}:
        return None
    theirs = dates.from_http(headers.get("date"))
    if theirs is None:
        return None
    off = (datetime.now(UTC) - theirs).total_seconds()
    if abs(off) < _SKEW_SECONDS:
        return None
    side = "ahead of" if off > 0 else "behind"
    return StorageError(
        ErrorKind.PERMISSION_DENIED,
        f"This computer's clock is {_span(abs(off))} {side} the server's, and at most"
        " 15 minutes are allowed. Set the clock.",
    )


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"
