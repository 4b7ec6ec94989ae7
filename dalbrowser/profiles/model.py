"""A connection as it is saved: which service, with which configuration, under which name.

Invariant: a profile holds no secret. ``without_secrets`` is asked before one leaves memory.
"""

from __future__ import annotations

import json
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dalbrowser.storage import registry
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping

ADHOC_PREFIX = "adhoc-"
BUCKET_FIELD = "bucket"


@record()
class Profile:
    """One connection. ``config`` maps the service's fields to text; it is copied and frozen.

    ``id`` never changes and is never shown; ``name`` is what a person calls it.
    ``builtin`` ones come with the program and are not written to the file.
    """

    id: str
    name: str
    scheme: str
    config: Mapping[str, str] = field(default_factory=dict, hash=False)
    builtin: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", MappingProxyType(dict(self.config)))

    @property
    def is_adhoc(self) -> bool:
        """Whether it was made from a URI and the environment, and is saved nowhere."""
        return self.id.startswith(ADHOC_PREFIX)

    @property
    def prefix(self) -> str:
        """What stands before a place in this connection when it is written: ``work:``, ``s3://``."""
        return f"{self.scheme}://" if self.is_adhoc else f"{self.name}:"

    @property
    def has_buckets(self) -> bool:
        """Whether the service keeps its objects in buckets. Loads the service."""
        return any(item.name == BUCKET_FIELD for item in registry.config_fields(self.scheme))

    @property
    def fixed_bucket(self) -> str:
        """The one bucket that the connection is bound to; empty when there is none."""
        return self.config.get(BUCKET_FIELD, "")

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as JSON's own types."""
        return {
            "id": self.id,
            "name": self.name,
            "scheme": self.scheme,
            "config": dict(self.config),
        }

    def to_json(self) -> str:
        """Return the profile as JSON text; raises ``ConfigInvalid`` when it holds a secret."""
        without_secrets(self)
        return json.dumps({**self.to_dict(), "builtin": self.builtin}, sort_keys=True)

    @classmethod
    def from_dict(cls, value: object) -> Profile:
        """Build a profile from JSON's own types; raises ``ConfigInvalid`` when it is not one."""
        if isinstance(value, dict):
            texts = (value.get("id"), value.get("name"), value.get("scheme"))
            config = value.get("config", {})
            if (
                all(isinstance(text, str) and text for text in texts)
                and isinstance(config, dict)
                and all(isinstance(k, str) and isinstance(v, str) for k, v in config.items())
            ):
                identity, name, scheme = map(str, texts)
                return cls(identity, name, scheme, config, builtin=value.get("builtin") is True)
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            "A saved connection needs an id, a name, a scheme and a configuration of texts.",
        )

    @classmethod
    def from_json(cls, text: str) -> Profile:
        """Build a profile from what ``to_json`` returned."""
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        return cls.from_dict(value)


def secret_fields(scheme: str) -> frozenset[str]:
    """Return the names of the service's secret fields. Loads the service."""
    return frozenset(item.name for item in registry.config_fields(scheme) if item.secret)


def may_have_secrets(scheme: str) -> bool:
    """Whether such a connection can have secrets; one of a service that is gone may."""
    return scheme not in registry.schemes() or bool(secret_fields(scheme))


def without_secrets(profile: Profile) -> None:
    """Raise ``ConfigInvalid`` when the profile's configuration holds a secret."""
    inside = sorted(secret_fields(profile.scheme) & set(profile.config))
    inside += [name for name, value in sorted(profile.config.items()) if _has_password(name, value)]
    if inside:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The connection {profile.name!r} carries a secret in {', '.join(inside)};"
            " secrets are kept in the keyring, never in a file.",
            service=profile.scheme,
        )


def _has_password(name: str, value: str) -> bool:
    """Whether a value is a URL with a password in it; a proxy's needs no scheme to be one."""
    if name == "proxy" and "@" in value:
        return True
    if "://" not in value:
        return False
    try:
        return urlsplit(value).password is not None
    except ValueError:
        return False
