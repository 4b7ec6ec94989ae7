"""What a test knows of a running S3 server, whichever program it is.

Invariant: the keys here are throw-away keys of a server on the loopback interface.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class S3Server:
    """An S3 endpoint to test against.

    ``name`` is the program (``ceph``, ``rclone``); ``ca`` is the path of the private CA
    of an HTTPS endpoint, else empty. ``limits`` names what the program gets wrong, so
    that a test is gated on a fact and not on a name.
    """

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    name: str = ""
    ca: str = ""
    limits: frozenset[str] = frozenset()

    def operator_config(self, bucket: str = "") -> dict[str, str]:
        """Return the settings of an ``s3`` operator on ``bucket`` of this server."""
        config = {
            "endpoint": self.endpoint,
            "region": self.region,
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "bucket": bucket,
        }
        if self.ca:
            config["ca_file"] = self.ca
        return config
