"""What a service can do, as one flat record in OpenDAL's grammar.

Invariant: a flag that is true works; a flag that is false answers ``Unsupported``
before any request is sent. The window enables an action from these flags only.
"""

from __future__ import annotations

from dalbrowser.utils.records import record


@record(kw_only=True)
class Capability:
    """Flags are off until declared. Sizes are bytes, both ends inclusive; ``None`` is no limit."""

    stat: bool = False
    stat_with_if_match: bool = False
    stat_with_if_none_match: bool = False
    stat_with_if_modified_since: bool = False
    stat_with_if_unmodified_since: bool = False
    stat_with_override_cache_control: bool = False
    stat_with_override_content_disposition: bool = False
    stat_with_override_content_type: bool = False
    stat_with_version: bool = False
    stat_with_tags: bool = False
    """A stat brings the tags too, when it is asked to."""

    read: bool = False
    read_can_seek: bool = False
    """The raw body seeks natively; otherwise it is completed by ranged reads."""
    read_can_next: bool = False
    """The raw body streams blocks natively; otherwise they are cut from ``read``."""
    read_with_range: bool = False
    read_with_suffix: bool = False
    """The service takes "the last n bytes"; otherwise it is completed by a stat."""
    read_with_if_match: bool = False
    read_with_if_none_match: bool = False
    read_with_if_modified_since: bool = False
    read_with_if_unmodified_since: bool = False
    read_with_override_cache_control: bool = False
    read_with_override_content_disposition: bool = False
    read_with_override_content_type: bool = False
    read_with_version: bool = False

    write: bool = False
    write_can_empty: bool = False
    write_can_append: bool = False
    write_can_multi: bool = False
    """A writer may be given more than one block (unknown length)."""
    write_multi_min_size: int | None = None
    write_multi_max_size: int | None = None
    write_multi_max_parts: int | None = None
    write_total_max_size: int | None = None
    write_single_max_size: int | None = None
    write_with_content_type: bool = False
    write_with_content_disposition: bool = False
    write_with_content_encoding: bool = False
    write_with_cache_control: bool = False
    write_with_user_metadata: bool = False
    write_with_if_match: bool = False
    write_with_if_none_match: bool = False
    write_with_if_not_exists: bool = False
    write_with_storage_class: bool = False
    write_with_tags: bool = False
    write_with_acl: bool = False
    write_with_checksum: bool = False

    create_dir: bool = False
    delete: bool = False
    delete_with_version: bool = False
    delete_with_if_match: bool = False
    delete_max_size: int | None = None
    """Paths of one batch request; ``None`` where there is no batch delete."""

    copy: bool = False
    copy_with_if_not_exists: bool = False
    copy_with_if_match: bool = False
    copy_with_source_version: bool = False
    copy_with_source_bucket: bool = False
    """The source may be in another bucket of the same server."""
    copy_max_size: int | None = None
    """Largest object of one copy request; above it the copy is made in parts."""
    rename: bool = False
    rename_with_if_not_exists: bool = False

    list: bool = False
    list_with_limit: bool = False
    list_with_start_after: bool = False
    list_with_recursive: bool = False
    list_with_prefix: bool = False
    """A path without a final slash lists by prefix natively."""
    list_with_versions: bool = False
    list_with_deleted: bool = False
    list_buckets: bool = False

    multipart: bool = False
    multipart_list_uploads: bool = False
    multipart_list_parts: bool = False
    multipart_copy: bool = False

    presign: bool = False
    presign_read: bool = False
    presign_write: bool = False
    presign_stat: bool = False
    presign_delete: bool = False
