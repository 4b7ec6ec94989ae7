"""A new folder over a connection that does not answer: nobody has to wait before a dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog

from tests.ui.stories.gate import gate

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person


def test_the_dialog_can_be_left_while_the_service_does_not_answer(
    person: Person, ceph_s3: S3Server, ceph_bucket: str
) -> None:
    async def story() -> None:
        async with gate(ceph_s3.endpoint) as narrow:
            await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            narrow.close_after(0)
            person.do("new_folder")
            person.edit("newFolderName", "slow")
            person.press("newFolderCreate")
            QTest.keyClick(person.find(QDialog, "newFolderDialog"), Qt.Key.Key_Escape)
            await person.stage.until(person.no_dialog, "the end of the dialog")
            assert person.names() == []
            narrow.open()
            await person.listed("slow")

    person.stage.run(story())
