"""The only place that opens a socket: the HTTP client, signing, header dates, XML."""

import sys

if "httpx" not in sys.modules:
    # httpx loads its own command line, with rich, click and pygments, wherever those happen to
    # be installed: 80 ms of each start. ``None`` says that there is none, which httpx expects.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    import httpx  # noqa: F401

    del sys.modules["httpx._main"]
