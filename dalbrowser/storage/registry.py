"""From a scheme to a service: its entry point is loaded when it is first used.

Also what every service's configuration shares: a frozen dataclass whose fields are made
with ``config_field``, so that the connection form, the settings file and the keyring know
each field's meaning and which of them are secrets.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from dalbrowser.storage import paths
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage.accessor import Accessor

_NAME_FIELDS = ("bucket", "container", "name", "host")
"""The configuration fields that a URI's host part may fill, whichever the service has."""


@record()
class ConfigField:
    """One field of a service's configuration, as a form shows it.

    ``secret`` fields live in the keyring only. ``choices`` are the allowed values, if few.
    """

    name: str
    label: str
    doc: str
    secret: bool
    required: bool
    default: str
    choices: tuple[str, ...]
    kind: type


def config_field(
    *,
    doc: str,
    label: str = "",
    default: Any = "",
    secret: bool = False,
    required: bool = False,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a configuration field; a secret one is left out of ``repr``."""
    return dataclasses.field(
        default=default,
        repr=not secret,
        metadata={
            "doc": doc,
            "label": label,
            "secret": secret,
            "required": required,
            "choices": choices,
        },
    )


class Service(Protocol):
    """What an entry point of ``dalbrowser.services`` names: a class with these members."""

    scheme: ClassVar[str]
    config_type: ClassVar[type]

    @classmethod
    def from_config(cls, config: Any) -> Accessor:
        """Build the accessor; opens no connection, raises ``ConfigInvalid``."""
        ...


schemes = paths.schemes
"""The names of all registered services, sorted."""
is_scheme = paths.is_scheme
"""Whether a service is registered under a name."""


@cache
def service(scheme: str) -> type[Service]:
    """Load the service registered as ``scheme``, or raise ``ConfigInvalid`` naming those known."""
    loaded: type[Service]
    if scheme in paths.OWN_SERVICES:
        module, _, name = paths.OWN_SERVICES[scheme].partition(":")
        loaded = getattr(import_module(module), name)
        return loaded
    brought = paths.brought_services().get(scheme)
    if brought is None:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"No service is called {scheme!r}; known are {', '.join(schemes())}.",
        )
    loaded = brought.load()
    return loaded


def config_fields(scheme: str) -> tuple[ConfigField, ...]:
    """Describe every configuration field of a service, in its order."""
    return tuple(
        ConfigField(
            name=item.name,
            label=item.metadata.get("label") or item.name.replace("_", " ").capitalize(),
            doc=item.metadata.get("doc", ""),
            secret=item.metadata.get("secret", False),
            required=item.metadata.get("required", False),
            default=_to_text(item.default),
            choices=item.metadata.get("choices", ()),
            kind=type(item.default),
        )
        for item in dataclasses.fields(service(scheme).config_type)
    )


def build(scheme: str, config: Mapping[str, Any]) -> Accessor:
    """Build the accessor of ``scheme`` from a mapping; unknown keys and bad values are refused."""
    kind = service(scheme)
    fields = {item.name: item for item in config_fields(scheme)}
    unknown = sorted(set(config) - set(fields))
    if unknown:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The service {scheme!r} has no setting {', '.join(map(repr, unknown))};"
            f" it takes {', '.join(fields)}.",
            service=scheme,
        )
    values = {name: _from_text(scheme, fields[name], value) for name, value in config.items()}
    missing = [f.name for f in fields.values() if f.required and not values.get(f.name)]
    if missing:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The service {scheme!r} needs {', '.join(map(repr, missing))}; give a value.",
            service=scheme,
        )
    return kind.from_config(kind.config_type(**values))


def parse_uri(uri: str) -> tuple[str, dict[str, str]]:
    """Return the scheme and the configuration that a URI names; see ``Operator.from_uri``.

    Raises ``ConfigInvalid`` when it does not parse or names what the service does not have.
    """
    try:
        split = urlsplit(uri)
        pairs = parse_qsl(split.query, keep_blank_values=True, strict_parsing=bool(split.query))
    except ValueError:
        raise _bad_uri("does not parse") from None
    if not split.scheme or "://" not in uri:
        raise _bad_uri("has no scheme")
    known = {item.name for item in config_fields(split.scheme)}
    config: dict[str, str] = {}
    name, root = unquote(split.netloc), unquote(split.path)
    named = next((field for field in _NAME_FIELDS if field in known), None)
    if name:
        if named is None:
            raise _bad_uri(f"names {name!r}, but the service {split.scheme!r} has no such part")
        config[named] = name
        root = root.removeprefix("/")
    if root.strip("/"):
        if "root" not in known:
            raise _bad_uri(f"has a path, but the service {split.scheme!r} has no root")
        config["root"] = root
    for key, value in pairs:
        if key in config:
            raise _bad_uri(f"gives {key!r} twice")
        config[key] = value
    return split.scheme, config


def _bad_uri(why: str) -> StorageError:
    """Return the error; the URI itself may hold secrets and is not repeated."""
    return StorageError(
        ErrorKind.CONFIG_INVALID,
        f"The URI {why}; write scheme://name/root?option=value.",
    )


def _to_text(value: object) -> str:
    if value is dataclasses.MISSING or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _from_text(scheme: str, item: ConfigField, value: object) -> object:
    """Turn a text from a URI or a settings file into the field's own type."""
    if item.choices and str(value) not in item.choices:
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"{item.name!r} is {value!r}; it must be one of"
            f" {', '.join(filter(None, item.choices))}{', or empty' * ('' in item.choices)}.",
            service=scheme,
        )
    if not isinstance(value, str) or item.kind is str:
        return value
    lowered = value.strip().lower()
    if item.kind is bool and lowered in {"true", "1", "yes", "on"}:
        return True
    if item.kind is bool and lowered in {"false", "0", "no", "off", ""}:
        return False
    if item.kind in {int, float}:
        try:
            return item.kind(lowered)
        except ValueError:
            pass
    raise StorageError(
        ErrorKind.CONFIG_INVALID,
        f"{item.name!r} is {value!r}; it must be"
        f" {'true or false' if item.kind is bool else 'a number'}.",
        service=scheme,
    )
