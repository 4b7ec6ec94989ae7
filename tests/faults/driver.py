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

from dalbrowser.storage import CapabilityOverrideLayer
from dalbrowser.transfer import ConflictPolicy, JobsChanged, JobView
from tests.faults.rig import Rig


def _is_it(view: JobView, plan: dict[str, Any]) -> bool:
    """Whether a job of the history is the transfer that ``driver.json`` asks for."""
    if plan["action"] == "download":
        return bool(view.local_path == plan["path"])
    return (
        view.source.endswith(plan["key"]) if plan["action"] == "move" else view.key == plan["key"]
    )


async def main(folder: Path) -> None:
    """Do what ``driver.json`` says, from wherever the last process was cut off."""
    plan: dict[str, Any] = json.loads((folder / "driver.json").read_text())
    rig = Rig(folder, plan["scheme"], plan["config"], plan["bucket"], plan["options"])
    if plan["streamed"]:
        rig.op = rig.op.layer(CapabilityOverrideLayer(copy=False))

    def told(event: object) -> None:
        if isinstance(event, JobsChanged):
            for view in event.views:
                print("at", view.state.value, view.parts_done, flush=True)

    rig.told = told
    async with rig.engine() as engine:
        known = [view.id for view in engine.jobs()]
        ended = [view for view in await engine.history() if _is_it(view, plan)]
        if known:
            await engine.resume(known)
        elif ended:
            # The last process was killed when it had done everything but say so.
            known = [view.id for view in ended]
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
