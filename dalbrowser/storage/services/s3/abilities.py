"""What an S3 server can do, by its configuration.

Invariant: the limits are those of the S3 User Guide, "Amazon S3 multipart upload limits".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dalbrowser.storage.capability import Capability

if TYPE_CHECKING:
    from dalbrowser.storage.services.s3.config import S3Config

MIN_PART = 5 * 1024 * 1024
MAX_PART = 5 * 1024 * 1024 * 1024
MAX_PARTS = 10_000
MAX_OBJECT = MAX_PART * MAX_PARTS
MAX_BATCH = 1_000
"""Keys of one DeleteObjects (S3 API Reference)."""


def abilities(config: S3Config) -> Capability:
    """Return the capability of the server that ``config`` describes."""
    if not config.bucket:
        return Capability(list_buckets=True)
    return Capability(**_reading(config), **_writing(config))


def _reading(config: S3Config) -> dict[str, Any]:
    """Say what can be read, and signed for others to use."""
    reads = config.conditional_reads
    signed = config.credentials != "anonymous"
    return {
        "stat": True,
        "stat_with_if_match": reads,
        "stat_with_if_none_match": reads,
        "stat_with_if_modified_since": reads,
        "stat_with_if_unmodified_since": reads,
        "stat_with_override_cache_control": signed,
        "stat_with_override_content_disposition": signed,
        "stat_with_override_content_type": signed,
        "stat_with_version": config.object_versions,
        "stat_with_tags": config.object_tags,
        "read": True,
        "read_can_next": True,
        "read_with_range": True,
        "read_with_suffix": True,
        "read_with_if_match": reads,
        "read_with_if_none_match": reads,
        "read_with_if_modified_since": reads,
        "read_with_if_unmodified_since": reads,
        "read_with_override_cache_control": signed,
        "read_with_override_content_disposition": signed,
        "read_with_override_content_type": signed,
        "read_with_version": config.object_versions,
        "presign": signed,
        "presign_read": signed,
        "presign_write": signed,
        "presign_stat": signed,
        "presign_delete": signed,
    }


def _writing(config: S3Config) -> dict[str, Any]:
    """Say what can be written, deleted, copied and listed."""
    return {
        "write": True,
        "write_can_empty": True,
        "write_can_multi": True,
        "write_multi_min_size": MIN_PART,
        "write_multi_max_size": MAX_PART,
        "write_multi_max_parts": MAX_PARTS,
        "write_total_max_size": MAX_OBJECT,
        "write_single_max_size": MAX_PART,
        "write_with_content_type": True,
        "write_with_content_disposition": True,
        "write_with_content_encoding": True,
        "write_with_cache_control": True,
        "write_with_user_metadata": True,
        "write_with_if_match": config.conditional_writes,
        "write_with_if_not_exists": config.conditional_writes,
        "write_with_storage_class": config.storage_classes,
        "write_with_tags": config.object_tags,
        "write_with_acl": True,
        "write_with_checksum": config.object_checksums,
        "create_dir": True,
        "delete": True,
        "delete_with_version": config.object_versions,
        "delete_max_size": MAX_BATCH if config.batch_delete else None,
        "copy": True,
        "copy_with_if_match": config.conditional_copies,
        "copy_with_source_version": config.object_versions,
        "copy_with_source_bucket": config.cross_bucket_copies,
        "copy_max_size": MAX_PART,
        "list": True,
        "list_with_limit": True,
        "list_with_start_after": True,
        "list_with_recursive": True,
        "list_with_prefix": True,
        "list_with_versions": config.object_versions,
        "list_with_deleted": config.object_versions,
        "multipart": True,
        "multipart_list_uploads": True,
        "multipart_list_parts": True,
        "multipart_copy": config.copy_parts,
        "list_buckets": True,
    }
