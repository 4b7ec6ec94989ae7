"""Which TLS certificates are believed: the system's and certifi's CAs, and a private one.

Invariant: verification is only ever off when the configuration says so.
"""

from __future__ import annotations

import ssl

from dalbrowser.storage.errors import ErrorKind, StorageError


def tls_context(ca_file: str = "", *, verify: bool = True) -> ssl.SSLContext:
    """Build the context of a client; reads files, so call it off the loop.

    Raises ``ConfigInvalid`` when ``ca_file`` cannot be read as PEM certificates.
    """
    import certifi  # noqa: PLC0415 - start-up time: an endpoint in the clear needs none

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                f"The CA file {ca_file!r} cannot be used ({error.strerror or error})."
                " Give a file with PEM certificates.",
            ) from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def clear_context() -> ssl.SSLContext:
    """Return a context for endpoints without TLS: it trusts nobody, and is quick to make."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
