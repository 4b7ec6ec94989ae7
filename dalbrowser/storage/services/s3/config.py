"""The settings of an S3 connection. A server's quirk is a setting here, never a sniff.

Invariant: secrets are declared as such, so they stay out of ``repr`` and settings files.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.registry import config_field
from dalbrowser.storage.services.s3 import checksums
from dalbrowser.storage.services.s3.presets import PRESETS
from dalbrowser.utils.records import record


@record(kw_only=True)
class S3Config:
    """How to reach one bucket (or, without ``bucket``, to list the buckets)."""

    preset: str = config_field(
        label="Provider",
        doc="Settings that a known provider needs; every field given beside it wins.",
        choices=("", *sorted(PRESETS)),
    )
    endpoint: str = config_field(
        label="Endpoint",
        doc="Address with http:// or https://; empty for Amazon's own.",
    )
    region: str = config_field(
        doc="Region to sign for; empty to find it out (custom endpoints: us-east-1).",
    )
    bucket: str = config_field(doc="Bucket; empty to list all that the key may see.")
    root: str = config_field(
        label="Folder in the bucket", doc="Prefix under which every path is taken."
    )
    credentials: str = config_field(
        label="Keys come from",
        doc="Where the keys come from: given here, AWS_* environment, none, or the AWS tools'"
        " own configuration (profiles, SSO, roles; needs the extra 'aws').",
        default="explicit",
        choices=("explicit", "environment", "anonymous", "aws"),
    )
    access_key_id: str = config_field(doc="Access key id.", label="Access key")
    secret_access_key: str = config_field(doc="Secret access key.", label="Secret key", secret=True)
    session_token: str = config_field(
        label="Session token", doc="Token of temporary credentials.", secret=True
    )
    profile: str = config_field(
        label="AWS profile", doc="Profile of the AWS configuration, for credentials=aws."
    )
    addressing: str = config_field(
        label="Bucket stands in",
        doc="Bucket in the path or in the host name; auto chooses by the endpoint.",
        default="auto",
        choices=("auto", "path", "virtual"),
    )
    ca_file: str = config_field(
        label="CA certificate", doc="File with the PEM certificate of a private CA."
    )
    verify_tls: bool = config_field(
        label="Verify the server's certificate (TLS)",
        doc="Whether the server must prove who it is. Off is dangerous.",
        default=True,
    )
    proxy: str = config_field(
        label="Proxy",
        doc="Proxy to go through, like http://proxy.example.com:3128; 'none' for none; empty"
        " for what HTTPS_PROXY, HTTP_PROXY and NO_PROXY or the system's settings say.",
    )
    proxy_user: str = config_field(label="Proxy's user", doc="User to name to the proxy.")
    proxy_password: str = config_field(
        label="Proxy's password", doc="Password of that user.", secret=True
    )
    storage_class: str = config_field(
        label="Storage class", doc="Storage class of new objects where none is given."
    )
    server_side_encryption: str = config_field(
        label="Encryption",
        doc="Encryption of new objects by the server.",
        choices=("", "AES256", "aws:kms", "aws:kms:dsse"),
    )
    sse_kms_key_id: str = config_field(
        label="KMS key", doc="KMS key, for server_side_encryption=aws:kms."
    )
    sse_customer_key: str = config_field(
        label="Own encryption key",
        doc="Base64 of a 32-byte key that the server encrypts with and does not keep (SSE-C).",
        secret=True,
    )
    requester_pays: bool = config_field(
        label="I pay for requests (requester pays)", doc="Agree to pay for requests.", default=False
    )
    payload_signing: str = config_field(
        label="Sign bodies",
        doc="Whether bodies are hashed into the signature; auto: only without TLS, and not for"
        " a body whose signed Content-MD5 covers it already.",
        default="auto",
        choices=("auto", "always", "never"),
    )
    content_md5: str = config_field(
        label="Send Content-MD5",
        doc="Whether bodies carry Content-MD5 for the server to verify; auto: where the"
        " signature does not cover the body already.",
        default="auto",
        choices=("auto", "always", "never"),
    )
    checksum: str = config_field(
        label="Checksum",
        doc="x-amz-checksum algorithm of new objects where none is asked for; auto: the"
        " strongest at hand, and none where the server refuses it.",
        choices=("", checksums.AUTO, *checksums.NAMES),
    )
    list_version: str = config_field(
        label="Listing version",
        doc="Listing request: 2, or 1 for servers without ListObjectsV2.",
        default="2",
        choices=("1", "2"),
    )
    exact_keys: str = config_field(
        label="Unusual keys",
        doc="Keys with '.', '..' or empty segments, or a final '/': check once that the server"
        " keeps them apart from others, send them unchecked, or refuse them.",
        default="check",
        choices=("check", "send", "refuse"),
    )
    conditional_writes: bool = config_field(
        label="Writes honour conditions",
        doc="The server honours If-Match and If-None-Match on writes.",
        default=True,
    )
    conditional_completes: bool = config_field(
        label="Multipart completions honour conditions",
        doc="It honours them on CompleteMultipartUpload too.",
        default=True,
    )
    conditional_copies: bool = config_field(
        label="Copies honour conditions", doc="It honours x-amz-copy-source-if-match.", default=True
    )
    quoted_if_match: bool = config_field(
        label="If-Match takes quotes",
        doc="If-Match on writes takes the ETag with its quotes (Ceph wants none).",
        default=True,
    )
    batch_delete: bool = config_field(
        label="Can delete many at once", doc="It has DeleteObjects.", default=True
    )
    copy_parts: bool = config_field(
        label="Can copy parts", doc="It has UploadPartCopy.", default=True
    )
    cross_bucket_copies: bool = config_field(
        label="Copies between buckets",
        doc="It copies from another of its buckets by itself.",
        default=True,
    )
    object_versions: bool = config_field(
        label="Has object versions", doc="It has object versions.", default=True
    )
    object_tags: bool = config_field(
        label="Keeps tags", doc="It keeps x-amz-tagging.", default=True
    )
    tag_counts: bool = config_field(
        label="Tells how many tags there are",
        doc="The reply to a HEAD has x-amz-tagging-count; otherwise tags are asked for each time"
        " (of Amazon itself they need not be).",
        default=False,
    )
    multipart_tags: bool = config_field(
        label="Tags on uploads in parts",
        doc="It keeps x-amz-tagging on CreateMultipartUpload too; otherwise tags are put on"
        " the finished object.",
        default=True,
    )
    object_checksums: bool = config_field(
        label="Keeps checksums", doc="It keeps x-amz-checksum-*.", default=True
    )
    unpacks_gzip: bool = config_field(
        label="Unpacks gzip by itself",
        doc="It sends an object stored with Content-Encoding gzip unpacked, unless the request"
        " says that gzip is taken.",
        default=False,
    )
    conditional_reads: bool = config_field(
        label="Reads honour conditions",
        doc="It honours the four conditions on reads and stats.",
        default=True,
    )
    storage_classes: bool = config_field(
        label="Keeps storage classes", doc="It keeps x-amz-storage-class.", default=True
    )


def with_preset(config: S3Config) -> S3Config:
    """Return ``config`` with its preset's values in the fields that were left alone.

    Raises ``ConfigInvalid`` when a preset needs a field, such as a region, that is missing.
    """
    if not config.preset:
        return config
    changes: dict[str, Any] = {}
    for item in dataclasses.fields(config):
        if item.name in PRESETS[config.preset] and getattr(config, item.name) == item.default:
            changes[item.name] = PRESETS[config.preset][item.name]
    endpoint = changes.get("endpoint", "")
    region = config.region or changes.get("region", "")
    if "{region}" in endpoint:
        if not region:
            raise StorageError(
                ErrorKind.CONFIG_INVALID, f"The preset {config.preset!r} needs a region; give one."
            )
        changes["endpoint"] = endpoint.format(region=region)
    elif "{" in endpoint:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The preset {config.preset!r} needs your own endpoint, like {endpoint}; give it.",
        )
    return dataclasses.replace(config, **changes)
