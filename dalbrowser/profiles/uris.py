"""What a person types for a place, and back: local paths, ``s3://bucket/key``, ``name:path``.

Invariant: the text after the bucket is the key, exactly; nothing is decoded, trimmed or
collapsed. What looks remote is never taken for a local file.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.profiles.builtin import HOME
from dalbrowser.profiles.locations import Location
from dalbrowser.profiles.model import ADHOC_PREFIX, BUCKET_FIELD, Profile
from dalbrowser.storage import registry
from dalbrowser.utils import awsfiles
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from dalbrowser.profiles.store import ProfileStore

_SCHEME_MARK = "://"
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class TargetError(Exception):
    """A text that names no place; the message says how to write it."""


@record()
class Target:
    """What one argument names: a local path, or a place in a connection; never both."""

    text: str
    local: Path | None = None
    location: Location | None = None
    profile: Profile | None = None


def parse_target(
    text: str,
    profiles: ProfileStore,
    *,
    endpoint: str | None = None,
    region: str | None = None,
) -> Target:
    """Return what ``text`` names; raises ``TargetError`` that says how to write it.

    ``endpoint`` and ``region`` are for ``scheme://bucket/key``, whose connection is made on
    the spot, with credentials from the environment or the AWS tools' files; ``None`` takes them
    from there too (``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``; ``AWS_REGION``,
    ``AWS_DEFAULT_REGION``; the profile). The connection is registered with ``profiles`` so that
    its id can be looked up.
    """
    scheme, mark, rest = text.partition(_SCHEME_MARK)
    if mark and "/" not in scheme and ":" not in scheme:
        at, signed_for = server_named(endpoint, region)
        profile = adhoc_profile(scheme, endpoint=at, region=signed_for)
        profiles.add_adhoc(profile)
        return Target(text, location=_in_buckets(text, profile, rest), profile=profile)
    name, _, rest = text.partition(":")
    if not _is_remote(text):
        if not text:
            raise TargetError("An empty text names nothing; give a path or a URI.")
        return Target(text, local=Path(text))
    saved = profiles.by_name(name)
    if saved is None:
        known = ", ".join(f"{profile.name}:" for profile in profiles.all())
        raise TargetError(
            f"No connection is called {name!r}; known are {known}. For a local file of that"
            f" name write ./{text}"
        )
    if saved.has_buckets:
        return Target(text, location=_in_buckets(text, saved, rest), profile=saved)
    return Target(text, location=Location(saved.id, "", _key(text, rest)), profile=saved)


def parse_location(
    text: str,
    profiles: ProfileStore,
    *,
    endpoint: str | None = None,
    region: str | None = None,
) -> Location:
    """Return the place that ``text`` names; a local path is one in the home connection.

    Raises ``TargetError``, also for a local path outside the home folder.
    """
    target = parse_target(text, profiles, endpoint=endpoint, region=region)
    if target.location is not None:
        return target.location
    local = Path(absolute(text))
    home = Path(profiles.get(HOME).config["root"])
    if ".." in local.parts or not local.is_relative_to(home):
        # The way up is from where links lead, and so may be the home folder's other name.
        local, home = local.resolve(), home.resolve()
    if not local.is_relative_to(home):
        raise TargetError(
            f"{text!r} is outside of {home}; add a connection of the kind fs for that folder."
        )
    inside = "" if local == home else local.relative_to(home).as_posix()
    return Location(HOME, "", f"{inside}/" if inside and local.is_dir() else inside)


def absolute(text: str) -> str:
    """Return ``text`` so that it names the same place in every folder: a local path in full.

    Raises ``TargetError`` where it begins with the home folder of nobody (``~name``).
    """
    if _is_remote(text):
        return text
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError:
        name = text.partition("/")[0]
        raise TargetError(
            f"{text!r} is in the home folder of {name[1:]!r}, whom this system does not know;"
            f" for a file of that name write ./{text}"
        ) from None


def server_named(endpoint: str | None, region: str | None) -> tuple[str, str]:
    """Return endpoint and region as given, each that is ``None`` as the AWS tools have it here.

    Raises ``TargetError`` where a file of theirs cannot be read.
    """
    found = _aws_profile() if endpoint is None or region is None else None
    if found is not None and endpoint is None:
        endpoint = "" if _ignores(found) else _from(_ENDPOINT_VARIABLES) or found.endpoint
    if found is not None and region is None:
        region = _from(_REGION_VARIABLES) or found.config.get("region", "")
    return endpoint or "", region or ""


def adhoc_profile(scheme: str, *, endpoint: str = "", region: str = "") -> Profile:
    """Return the connection behind ``scheme://…``: credentials come from the environment.

    Its id follows from what it says, so that another process arrives at the same one. Raises
    ``TargetError``, also where a file of the AWS tools cannot be read.
    """
    if not registry.is_scheme(scheme):
        known = ", ".join(registry.schemes())
        raise TargetError(f"No kind of storage is called {scheme!r}; known are {known}.")
    fields = {item.name for item in registry.config_fields(scheme)}
    if BUCKET_FIELD not in fields:
        raise TargetError(
            f"{scheme}:// cannot be written with a bucket; use a saved connection, name:path."
        )
    wanted = {"endpoint": endpoint, "region": region}
    if "credentials" in fields:
        wanted |= _credentials(_aws_profile())
    config = {name: value for name, value in wanted.items() if value and name in fields}
    text = json.dumps([scheme, config], sort_keys=True)
    identity = ADHOC_PREFIX + hashlib.sha256(text.encode()).hexdigest()
    return Profile(identity, scheme, scheme, config)


def _aws_profile() -> awsfiles.AwsProfile:
    try:
        return awsfiles.read_profile()
    except awsfiles.AwsFileError as error:
        raise TargetError(str(error)) from error


def _credentials(found: awsfiles.AwsProfile) -> dict[str, str]:
    """Return where the AWS tools would take keys and certificates from."""
    trusted = os.environ.get("AWS_CA_BUNDLE") or found.config.get("ca_bundle", "")
    # Keys in the environment win over those of a profile, also over one that it names.
    named = found.exists or awsfiles.named_profile()
    if _from(_KEY_VARIABLES) or not (named or awsfiles.has_role()):
        return {"credentials": "environment", "ca_file": trusted}
    return {"credentials": "aws", "profile": found.name if named else "", "ca_file": trusted}


def _ignores(profile: awsfiles.AwsProfile) -> bool:
    told = os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "")
    return told.lower() == "true" if told else profile.ignores_endpoints


def format_location(location: Location, profiles: ProfileStore) -> str:
    """Return the text that ``parse_target`` turns into ``location`` again."""
    head = profiles.get(location.profile_id).prefix
    if not location.bucket:
        return head + location.path
    return f"{head}{location.bucket}/{location.path}"


def _in_buckets(text: str, profile: Profile, rest: str) -> Location:
    bucket, slash, key = rest.partition("/")
    if not bucket:
        if slash:
            raise TargetError(f"{text!r} has no bucket before the key; write the bucket first.")
        return Location(profile.id, profile.fixed_bucket, "")
    if profile.fixed_bucket and bucket != profile.fixed_bucket:
        raise TargetError(
            f"The connection {profile.name!r} is bound to the bucket {profile.fixed_bucket!r}, so"
            f" {text!r} is not in it; write {profile.name}:{profile.fixed_bucket}/…"
        )
    return Location(profile.id, _key(text, bucket), _key(text, key))


def _key(text: str, key: str) -> str:
    try:
        key.encode()
    except UnicodeEncodeError:
        raise TargetError(
            f"{text!r} is not valid UTF-8, which every key has to be; rename it."
        ) from None
    return key


def _from(variables: tuple[str, ...]) -> str:
    """Return the first variable of the environment that is set."""
    return next((os.environ[name] for name in variables if os.environ.get(name)), "")


def _is_remote(text: str) -> bool:
    """Whether a text is written as a place: ``scheme://…`` or ``name:…``."""
    name, colon, _ = text.partition(":")
    return bool(colon and name and "/" not in name and not _is_drive(text))


def _is_drive(text: str) -> bool:
    return os.name == "nt" and len(text) > 1 and text[1] == ":" and text[0].isalpha()
