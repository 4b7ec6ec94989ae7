"""The AWS tools' own files, ``~/.aws/config`` and ``~/.aws/credentials``, as those tools read them.

Invariant: a file that is not there says nothing; one that cannot be read is never taken for that.
A key is only in what ``keys`` returns, and in no ``repr``.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping  # noqa: TC003 - a record's field
from dataclasses import field
from pathlib import Path

from dalbrowser.utils.records import record

_DEFAULT = "default"
_OTHER_SOURCES = frozenset({"role_arn", "sso_session", "sso_account_id", "web_identity_token_file"})
"""What botocore takes before keys that stand in a file."""

_ROLE_VARIABLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)

Sections = dict[str, dict[str, str]]


class AwsFileError(Exception):
    """A file cannot be read; the message names it."""


@record()
class AwsProfile:
    """One profile: what either file says of it; ``services`` is the endpoint that it has for S3."""

    name: str
    config: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    services: str = ""

    @property
    def exists(self) -> bool:
        """Whether either file has it."""
        return bool(self.config or self.credentials)

    @property
    def endpoint(self) -> str:
        """The endpoint that it names for S3, or for everything; empty for Amazon's own."""
        return self.services or self.config.get("endpoint_url", "")

    @property
    def ignores_endpoints(self) -> bool:
        """Whether endpoints that are not given with the command do not count."""
        return self.config.get("ignore_configured_endpoint_urls", "").lower() == "true"

    def keys(self) -> tuple[str, str, str] | None:
        """Return access key, secret key and session token where they stand in the files.

        ``None`` where they come from elsewhere: a role, SSO, a program.
        """
        if _OTHER_SOURCES & set(self.config):
            return None
        places = [self.credentials]
        if not {"credential_process"} & {*self.config, *self.credentials}:
            places.append(self.config)
        for found in places:
            key, secret = found.get("aws_access_key_id"), found.get("aws_secret_access_key")
            if key and secret:
                token = found.get("aws_session_token") or found.get("aws_security_token") or ""
                return key, secret, token
        return None


def named_profile() -> str:
    """Return the profile that the environment names, or an empty text."""
    # In botocore's order.
    return os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or ""


def has_role() -> bool:
    """Whether the environment says where to ask for the keys of a role."""
    return any(os.environ.get(name) for name in _ROLE_VARIABLES)


def read_profile(name: str = "") -> AwsProfile:
    """Return a profile, by default the one that is in force; blocks on two small files.

    Raises ``AwsFileError`` for a file that cannot be read.
    """
    name = name or named_profile() or _DEFAULT
    config = _sections("AWS_CONFIG_FILE", "config")
    found = config.get(f"profile {name}", {}) or (config.get(name, {}) if name == _DEFAULT else {})
    services = config.get(f"services {found.get('services', '')}", {})
    return AwsProfile(
        name,
        found,
        _sections("AWS_SHARED_CREDENTIALS_FILE", "credentials").get(name, {}),
        _nested(services.get("s3", "")).get("endpoint_url", ""),
    )


def _sections(variable: str, name: str) -> Sections:
    path = Path(os.environ.get(variable) or f"~/.aws/{name}")
    try:
        path = path.expanduser()
        return _parsed(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, RuntimeError, ValueError, configparser.Error) as error:
        # Not the parser's own words: they quote the line, which may be a key.
        why = getattr(error, "strerror", None) or type(error).__name__
    # Raised out here, so that nothing that was read of the file hangs on it.
    message = f"{path} cannot be read ({why}); mend it, or name another by {variable}."
    raise AwsFileError(message)


def _parsed(path: Path) -> Sections:
    text = path.read_text("utf-8-sig")
    # No section gives its values to all others, as [DEFAULT] does by default.
    reader = configparser.RawConfigParser(default_section="", strict=False)
    reader.read_string(text, str(path))
    return {
        " ".join(each.replace('"', "").split()): dict(reader[each]) for each in reader.sections()
    }


def _nested(text: str) -> dict[str, str]:
    """Read the indented lines below a name."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
