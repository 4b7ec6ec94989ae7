"""Somebody deletes the bucket that is shown."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from dalbrowser.profiles import Location
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person


def test_a_bucket_that_is_gone_leads_up_and_leaves_the_tree(
    person: Person, ceph_s3: S3Server
) -> None:
    bucket = f"gone-{uuid.uuid4().hex[:8]}"
    with RawS3(ceph_s3) as raw:
        raw.create_bucket(bucket)
        raw.send("PUT", bucket, "key.txt", body=b"x")

    async def story() -> None:
        root = await person.connect(ceph_s3)
        person.tree.expand(person.node("work"))
        await person.stage.until(lambda: person.node("work", bucket).isValid(), "the bucket")
        person.open(bucket)
        place = Location(root.profile_id, bucket)
        navigator = person.window.navigator
        await person.stage.until(
            lambda: navigator.location == place and not navigator.running, "its listing"
        )
        assert person.names() == ["key.txt"]
        with RawS3(ceph_s3) as raw:
            raw.send("DELETE", bucket, "key.txt")
            raw.remove_bucket(bucket)
        person.do("reload")
        await person.says("faceTitle", "This bucket is not there")
        assert person.text("faceButton") == "Go up"
        await person.stage.until(
            lambda: person.node("work").isValid() and not person.node("work", bucket).isValid(),
            "the tree without it",
        )
        person.press("faceButton")
        await person.stage.until(
            lambda: navigator.location == root and not navigator.running, "the buckets"
        )
        assert bucket not in person.names()

    person.stage.run(story())
