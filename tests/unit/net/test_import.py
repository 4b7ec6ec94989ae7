"""What loading the HTTP client loads, in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

SEEN = """
import sys
import dalbrowser.storage.net.client
loaded = [name for name in ("rich", "click", "pygments") if name in sys.modules]
import httpx
print(loaded, httpx.Request.__name__, "httpx._main" in sys.modules)
"""


def test_the_command_line_of_httpx_is_not_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SEEN], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[] Request False\n"
