"""What a window or a command asks: one object that holds the engine's parts and runs requests.

Qt-free; it lives on one event loop. Collaborators are handed in; nothing is looked up.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from dalbrowser.profiles import Location, may_have_secrets
from dalbrowser.session import browse
from dalbrowser.session.listing import Listing, ListingSink
from dalbrowser.storage import Entry, EntryMode, ErrorKind, Metadata, Metakey, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.remote import is_empty

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from dalbrowser.preview import Preview, PreviewService
    from dalbrowser.profiles import (
        Connections,
        Profile,
        ProfileStore,
        SecretsKept,
        SecretStore,
    )
    from dalbrowser.session.host import TransferHost
    from dalbrowser.session.tasks import TaskSupervisor
    from dalbrowser.settings import Folders, Settings
    from dalbrowser.storage import Capability, Operator

_LISTED = (
    Metakey.MODE
    | Metakey.CONTENT_LENGTH
    | Metakey.CONTENT_TYPE
    | Metakey.ETAG
    | Metakey.LAST_MODIFIED
    | Metakey.STORAGE_CLASS
    | Metakey.OWNER
    | Metakey.VERSION
)


class Session:
    """One person's work with any number of connections."""

    def __init__(
        self,
        *,
        folders: Folders,
        settings: Settings,
        profiles: ProfileStore,
        secrets: SecretStore,
        connections: Connections,
        transfers: TransferHost,
        previews: PreviewService,
        tasks: TaskSupervisor,
    ) -> None:
        self.folders = folders
        self.settings = settings
        self.profiles = profiles
        self.secrets = secrets
        self.connections = connections
        self.transfers = transfers
        self.previews = previews
        self.tasks = tasks
        self._prepare: dict[str, Callable[[], Awaitable[None]]] = {}
        self._preparing = asyncio.Lock()

    def open(self, location: Location, sink: ListingSink, *, group: str = "listing") -> Listing:
        """List ``location`` into ``sink``; the listing before it in ``group`` is left."""
        listing = Listing(location, sink)
        task = self.tasks.spawn(
            listing.run(self.pages(location)),
            owner="session",
            name=f"list {location.path!r}",
            group=group,
        )
        listing.attach(task)
        return listing

    async def pages(self, location: Location) -> AsyncGenerator[list[Entry], None]:
        """Yield the pages of one folder; a root of buckets yields one page of folders."""
        op = await self.operator(location)
        if self.is_bucket_root(location):
            yield [_bucket_entry(bucket.name) for bucket in await op.list_buckets()]
            return
        # Only what the listing brings by itself: a stat per row is never made unasked.
        lister = op.lister(spell(location.path), metakey=_LISTED & op.info().listed)
        try:
            async for page in lister.pages():
                yield [entry for entry in page if entry.path != location.path]
        finally:
            await lister.aclose()

    async def folders_below(self, location: Location) -> AsyncGenerator[list[Location], None]:
        """Yield the folders directly below ``location``, page by page, for the tree."""
        async with aclosing(self.pages(location)) as pages:
            async for page in pages:
                yield [self.child(location, entry) for entry in page if entry.metadata.is_dir]

    def child(self, location: Location, entry: Entry) -> Location:
        """Return where an entry of ``location``'s listing is."""
        if self.is_bucket_root(location):
            return Location(location.profile_id, entry.path.removesuffix("/"), "")
        return Location(location.profile_id, location.bucket, entry.path)

    def is_bucket_root(self, location: Location) -> bool:
        """Whether listing ``location`` lists buckets."""
        return self.connections.lists_buckets(location)

    async def operator(self, location: Location) -> Operator:
        """Return the operator that serves ``location``, on the window's loop."""
        if location.profile_id in self._prepare:
            await self._prepare_once(location.profile_id)
        return await self.connections.operator(location.profile_id, location.bucket)

    def prepare_with(self, profile_id: str, prepare: Callable[[], Awaitable[None]]) -> None:
        """Await ``prepare`` once, before the connection is first used here."""
        self._prepare[profile_id] = prepare

    async def _prepare_once(self, profile_id: str) -> None:
        async with self._preparing:
            prepare = self._prepare.get(profile_id)
            if prepare is not None:
                await prepare()
                del self._prepare[profile_id]

    async def capability(self, location: Location) -> Capability:
        """Return what can be done at ``location``."""
        return (await self.operator(location)).capability

    async def stat(self, location: Location) -> Metadata:
        """Return the complete metadata of one object or folder."""
        return await (await self.operator(location)).stat(spell(location.path))

    async def resolve(self, location: Location) -> Location | None:
        """Return what a typed place is: the object, else the folder of that name, else nothing."""
        if location.is_folder:
            return location
        folder = location.at(f"{location.path}/")
        try:
            metadata = await self.stat(location)
        except StorageError as error:
            if error.kind not in {ErrorKind.NOT_FOUND, ErrorKind.IS_A_DIRECTORY}:
                raise
            return folder if await self._holds_anything(folder) else None
        return folder if metadata.is_dir else location

    async def _holds_anything(self, folder: Location) -> bool:
        op = await self.operator(folder)
        return not await is_empty(op, folder.path, with_marker=True)

    async def preview(self, location: Location, metadata: Metadata) -> Preview:
        """Open a preview; see ``PreviewService.open``."""
        op = await self.operator(location)
        return await self.previews.open(
            op, location.path, metadata, connection=(location.profile_id, location.bucket)
        )

    async def create_folder(self, parent: Location, name: str) -> Location:
        """Create a folder and return where it is."""
        path = await browse.create_folder(await self.operator(parent), parent.path, name)
        return Location(parent.profile_id, parent.bucket, path)

    async def rename(self, location: Location, new_name: str) -> Location:
        """Rename one object within its folder and return where it is now."""
        path = await browse.rename_file(await self.operator(location), location.path, new_name)
        return Location(location.profile_id, location.bucket, path)

    async def delete(
        self, locations: Sequence[Location], progress: Callable[[int], None] | None = None
    ) -> browse.DeleteReport:
        """Delete objects and folders; all of ``locations`` share one bucket."""
        return await browse.delete(await self.operator(locations[0]), locations, progress)

    async def measure(self, locations: Sequence[Location], limit: int = 10_000) -> browse.Measure:
        """Count what lies below ``locations``, which share one bucket."""
        return await browse.measure(await self.operator(locations[0]), locations, limit)

    async def check(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        """Prove a connection that need not be saved; raises what is wrong with it."""
        await self.connections.check(profile, secrets)

    async def save_connection(self, profile: Profile, secrets: Mapping[str, str]) -> SecretsKept:
        """Save a connection, its secrets to the keyring; says where the secrets went.

        Secrets that are not given stay as they were.
        """
        # The profile first: a refused one must not leave a secret without an owner.
        await asyncio.to_thread(self.profiles.save, profile)
        kept = await self.secrets.change(profile.id, secrets)
        await self.connections.invalidate(profile.id)
        return kept

    async def remove_connection(self, profile_id: str) -> None:
        """Forget a connection and its secrets; what it points to is not touched."""
        found = next((one for one in self.profiles.all() if one.id == profile_id), None)
        await asyncio.to_thread(self.profiles.remove, profile_id)
        await self.connections.invalidate(profile_id)
        # The keyring may have to be unlocked first, which the others need not wait for.
        if found is None or may_have_secrets(found.scheme):
            await self.secrets.delete(profile_id)

    async def aclose(self) -> None:
        """Put all work down: tasks, transfers (resumable), connections."""
        await self.tasks.aclose()
        await self.transfers.close()
        await self.connections.aclose()
        self.secrets.close()


def _bucket_entry(name: str) -> Entry:
    return Entry(f"{name}/", Metadata(mode=EntryMode.DIR, known=Metakey.MODE))
