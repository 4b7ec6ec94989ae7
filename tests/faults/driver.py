"""A process that transfers one file and says how far it is, made to be killed at any moment.

``python -m tests.faults.driver FOLDER`` reads ``FOLDER/driver.json`` and prints one line an
event, then one line of JSON for each job as it settled.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from dalbrowser.transfer import ConflictPolicy, JobsChanged
from tests.faults.rig import Rig


async def main(folder: Path) -> None:
    """Do what ``driver.json`` says, from wherever the last process was cut off."""
    plan: dict[str, Any] = json.loads((folder / "driver.json").read_text())
    rig = Rig(folder, plan["scheme"], plan["config"], plan["bucket"], plan["options"])

    def told(event: object) -> None:
        if isinstance(event, JobsChanged):
            for view in event.views:
                print("at", view.state.value, view.parts_done, flush=True)

    rig.told = told
    async with rig.engine() as engine:
        known = [view.id for view in engine.jobs()]
        if known:
            await engine.resume(known)
        elif plan["action"] == "upload":
            known = [await engine.upload_file(plan["path"], rig.at(plan["key"]))]
        elif plan["action"] == "download":
            known = [await engine.download_file(rig.at(plan["key"]), plan["path"])]
        else:
            known = await engine.copy(
                [rig.at(plan["key"])], rig.at(plan["path"]), ConflictPolicy.ASK, move=True
            )
        for view in await engine.wait(known):
            print(
                json.dumps(
                    {
                        "state": view.state.value,
                        "integrity": view.integrity,
                        "resent": view.resent,
                        "error": view.error,
                        "note": view.note,
                    }
                ),
                flush=True,
            )
    await rig.op.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
