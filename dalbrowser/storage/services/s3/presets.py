"""What known S3 servers and providers need, as settings: data, no code.

``ceph`` and ``rclone`` are measured, against the servers that the tests run. The others were
not tried: they hold the endpoint's form, and switch off what is not known to hold (see
docs.md). An endpoint with ``{region}`` takes the region's name; one with another name in
braces must be given by the person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESETS: Mapping[str, Mapping[str, object]] = {
    "aws": {"exact_keys": "send", "tag_counts": True},
    "r2": {
        "endpoint": "https://{account}.r2.cloudflarestorage.com",
        "region": "auto",
        "addressing": "path",
        "object_versions": False,
        "object_tags": False,
        "unpacks_gzip": True,
    },
    "b2": {
        "endpoint": "https://s3.{region}.backblazeb2.com",
        "addressing": "path",
        "conditional_writes": False,
        "conditional_completes": False,
        "object_tags": False,
    },
    "wasabi": {
        "endpoint": "https://s3.{region}.wasabisys.com",
        "addressing": "path",
        "conditional_writes": False,
        "conditional_completes": False,
    },
    "spaces": {
        "endpoint": "https://{region}.digitaloceanspaces.com",
        "addressing": "virtual",
        "conditional_writes": False,
        "conditional_completes": False,
    },
    "gcs": {
        "endpoint": "https://storage.googleapis.com",
        "region": "auto",
        "addressing": "path",
        "batch_delete": False,
        "copy_parts": False,
        "object_tags": False,
        "conditional_writes": False,
        "conditional_completes": False,
        "unpacks_gzip": True,
    },
    "minio": {
        "endpoint": "http://{host}:9000",
        "region": "us-east-1",
        "addressing": "path",
    },
    "ceph": {
        "exact_keys": "send",
        "region": "us-east-1",
        "addressing": "path",
        "conditional_completes": False,
        "conditional_copies": False,
        "quoted_if_match": False,
        "tag_counts": True,
        "multipart_tags": False,
        "object_checksums": False,
    },
    "rclone": {
        "exact_keys": "refuse",
        "region": "us-east-1",
        "content_md5": "always",
        "addressing": "path",
        "conditional_reads": False,
        "conditional_writes": False,
        "conditional_completes": False,
        "conditional_copies": False,
        "copy_parts": False,
        "object_versions": False,
        "object_tags": False,
        "object_checksums": False,
        "storage_classes": False,
    },
    "swift": {
        "region": "us-east-1",
        "addressing": "path",
        "conditional_writes": False,
        "conditional_completes": False,
        "conditional_copies": False,
        "object_tags": False,
    },
}
