"""The operators in use on one event loop, one for each connection and bucket.

Invariant: an operator is built once and kept while connection and secrets are what they
were. One object belongs to one loop; the stores behind it are shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.profiles.model import secret_fields
from dalbrowser.profiles.operators import build_operator
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.profiles.locations import Location
    from dalbrowser.profiles.model import Profile
    from dalbrowser.profiles.secrets import SecretStore
    from dalbrowser.profiles.store import ProfileStore
    from dalbrowser.storage import Operator

_NAMED_BY = "access_key_id"
"""A connection that names its key has a secret that belongs to it."""
_OWN = "explicit"
"""The ``credentials`` of a connection that uses the key it names; the others find theirs."""


@record()
class _Kept:
    """An operator and what it was built from."""

    profile: Profile
    generation: int
    operator: Operator


class Connections:
    """Gives operators for places; safe for many tasks of its loop."""

    def __init__(self, profiles: ProfileStore, secrets: SecretStore) -> None:
        self._profiles = profiles
        self._secrets = secrets
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._retired: list[Operator] = []

    async def operator(self, profile: Profile | str, bucket: str = "") -> Operator:
        """Return the operator of one bucket; raises ``ConfigInvalid`` or ``NotFound``.

        A connection that is saved is taken as it is now, also when ``profile`` is an older
        state of it; one that is not saved (ad hoc, or removed since) as it was given.
        """
        current = self._current(profile)
        bucket = bucket or current.fixed_bucket
        secrets = await self._secrets_of(current)
        generation = self._secrets.generation(current.id)
        key = (current.id, bucket)
        kept = self._kept.get(key)
        if kept and kept.profile == current and kept.generation == generation:
            return kept.operator
        self._require_secrets(current, secrets)
        operator = build_operator(current, secrets, bucket)
        if kept:
            self._retired.append(kept.operator)
        self._kept[key] = _Kept(current, generation, operator)
        return operator

    async def check(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        """Prove address, credentials and bucket with one request; raises what is wrong.

        Nothing of it is kept, and nothing is tried twice: a person is waiting.
        """
        self._require_secrets(profile, secrets)
        async with build_operator(
            profile, {k: v for k, v in secrets.items() if v}, retry=False
        ) as operator:
            await operator.check()

    def lists_buckets(self, location: Location) -> bool:
        """Whether this place is the root whose entries are buckets."""
        if location.bucket or location.path:
            return False
        profile = self._profiles.get(location.profile_id)
        return profile.has_buckets and not profile.fixed_bucket

    async def invalidate(self, profile_id: str) -> None:
        """Build the connection's operators anew when next asked; work under way goes on."""
        for key in [key for key in self._kept if key[0] == profile_id]:
            self._retired.append(self._kept.pop(key).operator)

    async def aclose(self) -> None:
        """Close every operator; the object may not be used afterwards."""
        operators = [*self._retired, *(kept.operator for kept in self._kept.values())]
        self._retired.clear()
        self._kept.clear()
        for operator in operators:
            await operator.aclose()

    def _current(self, profile: Profile | str) -> Profile:
        if isinstance(profile, str):
            return self._profiles.get(profile)
        try:
            return self._profiles.get(profile.id)
        except StorageError:
            return profile

    async def _secrets_of(self, profile: Profile) -> dict[str, str]:
        """Return the connection's secrets; where there can be none no keyring is asked."""
        if profile.is_adhoc or not secret_fields(profile.scheme):
            return {}
        return await self._secrets.get(profile.id)

    def _require_secrets(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        """Say that the keyring is the trouble, not the server, when its secret is missing."""
        problem = self._secrets.problem
        own = profile.config.get("credentials", _OWN) == _OWN
        if problem and not secrets and own and profile.config.get(_NAMED_BY):
            raise StorageError(
                ErrorKind.PERMISSION_DENIED,
                f"The secret of {profile.name!r} is not at hand. {problem} Or edit the connection:"
                " type its secret, or choose credentials 'environment' and set AWS_ACCESS_KEY_ID"
                " and AWS_SECRET_ACCESS_KEY.",
                service=profile.scheme,
            )
