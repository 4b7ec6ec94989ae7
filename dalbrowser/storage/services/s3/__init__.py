"""Amazon S3 and the servers that speak like it. See ``docs.md``."""

from dalbrowser.storage.services.s3.backend import S3
from dalbrowser.storage.services.s3.config import S3Config
from dalbrowser.storage.services.s3.credentials import Credentials, CredentialSource

__all__ = ["S3", "CredentialSource", "Credentials", "S3Config"]
