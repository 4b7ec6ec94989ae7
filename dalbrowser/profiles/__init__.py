"""Connections without secrets, secrets in the OS keyring, places and how they are written."""

from dalbrowser.profiles.builtin import DEMO, builtin_profiles, demo_folder
from dalbrowser.profiles.connections import Connections
from dalbrowser.profiles.locations import Location
from dalbrowser.profiles.model import Profile, may_have_secrets, secret_fields, without_secrets
from dalbrowser.profiles.operators import build_operator
from dalbrowser.profiles.secrets import SecretsKept, SecretStore
from dalbrowser.profiles.store import ProfileStore, check_name
from dalbrowser.profiles.uris import (
    Target,
    TargetError,
    absolute,
    adhoc_profile,
    format_location,
    parse_location,
    parse_target,
    server_named,
)

__all__ = [
    "DEMO",
    "Connections",
    "Location",
    "Profile",
    "ProfileStore",
    "SecretStore",
    "SecretsKept",
    "Target",
    "TargetError",
    "absolute",
    "adhoc_profile",
    "build_operator",
    "builtin_profiles",
    "check_name",
    "demo_folder",
    "format_location",
    "may_have_secrets",
    "parse_location",
    "parse_target",
    "secret_fields",
    "server_named",
    "without_secrets",
]
