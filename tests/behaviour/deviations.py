"""Where a server is known to differ, and why: the only way a behaviour may not hold.

Invariant: each deviation is executed and must fail (strict); one that no longer does is an
error, so that this table never outlives its reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Deviation:
    """``service`` and ``behaviour`` (a test's name, its parameters in brackets) are globs."""

    service: str
    behaviour: str
    reason: str


_REAL_FOLDERS = (
    "rclone serves a file system: a key that ends in '/' loses its slash, so none is sent"
    " there and no empty folder can be made; and a name is a folder or a file, never both"
)
_UPLOADS_IN_MEMORY = (
    "rclone's multipart takes parts 1, 2, 3 … once each and drops the upload at the first error"
)
_VERSIONED_CONDITIONS = (
    "on a versioned bucket Ceph 16 checks write conditions against the version being made,"
    " which is never there"
)

DEVIATIONS: tuple[Deviation, ...] = (
    *(
        Deviation("s3-rclone", name, _REAL_FOLDERS)
        for name in (
            "create_dir",
            "create_dir_again",
            "create_dir_nested",
            "create_dir_spares_a_marker_with_bytes",
            "delete_dir_spares_what_it_holds",
            "delete_empty_dir",
            "flag[[]create_dir[]]",
            "keys_that_end_in_a_slash",
            "list_empty_dir*",
            "list_sub_dir",
            "list_twins_by_slash",
            "read_with_dir_path",
            "remove_all",
            "remove_all_without_slash",
            "stat_dir",
        )
    ),
    *(
        Deviation("s3-rclone", name, _UPLOADS_IN_MEMORY)
        for name in (
            "multipart_complete_with_a_wrong_etag",
            "multipart_part_sent_again_replaces",
            "multipart_part_numbers",
            "multipart_with_md5",
        )
    ),
    Deviation(
        "s3-rclone",
        "multipart_out_of_order",
        "rclone answers a completion with an ETag of parts, and a stat with the whole MD5",
    ),
    Deviation(
        "s3-rclone",
        "keys[[]nf[cd][]]",
        "rclone folds Unicode's normal forms: a name's twin answers for it",
    ),
    *(
        Deviation("s3-ceph-tls-versions", name, _VERSIONED_CONDITIONS)
        for name in (
            "flag[[]write_with_if_match[]]",
            "write_with_if_match",
            "write_with_if_not_exists",
        )
    ),
)


def deviation(service: str, behaviour: str) -> Deviation | None:
    """Return the deviation of a behaviour on a service, if there is one."""
    for item in DEVIATIONS:
        if fnmatchcase(service, item.service) and fnmatchcase(behaviour, item.behaviour):
            return item
    return None
