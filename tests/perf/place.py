"""Where a benchmark runs: a server's bucket, as every contender is told of it.

Invariant: keys reach other programs through the environment, never through argv.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """One bucket of one S3 server."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)

    @classmethod
    def from_environment(cls) -> Place:
        """Read what ``environment`` wrote."""
        return cls(
            os.environ["AWS_ENDPOINT_URL"],
            os.environ["DALBROWSER_PERF_BUCKET"],
            os.environ["AWS_REGION"],
            os.environ["AWS_ACCESS_KEY_ID"],
            os.environ["AWS_SECRET_ACCESS_KEY"],
        )

    def environment(self) -> dict[str, str]:
        """Return the variables by which every contender finds the place."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "DALBROWSER_PERF_BUCKET": self.bucket,
            "S3_ENDPOINT_URL": self.endpoint,
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CONFIG_PEER_TYPE": "s3",
            "RCLONE_CONFIG_PEER_PROVIDER": "Other",
            "RCLONE_CONFIG_PEER_ENDPOINT": self.endpoint,
            "RCLONE_CONFIG_PEER_REGION": self.region,
            "RCLONE_CONFIG_PEER_ENV_AUTH": "true",
            "RCLONE_CONFIG_PEER_LIST_VERSION": "2",
        }
