"""A city's hub with platforms that hand evidence in, and what tests ask of it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from connectors.county.attachments import fetch_file, send_file
from connectors.county.profile import Profile
from connectors.transports.attachment_calls import Delivered
from connectors.transports.grpc_peer import GrpcPeer, Target, asked
from exchange_db.attachment_records import Offer
from hub.demo.staging import Stage, StagedHub
from protos.attachment.v1 import attachment_service_pb2 as attachment
from tests.support.builders import COUNTY, OTHER_COUNTY
from tests.support.parties import CITY_PLATFORM, Party
from tests.support.stages import quick, target_of

#: Settings that make the jobs of evidence quick.
QUICK_EVIDENCE = "\n[evidence]\nfind_seconds = 0.3\nfetch_seconds = 0.5\n"


def quick_with_evidence(*more: str) -> str:
    """Returns settings for a hub that is quick to notice, with more lines for its evidence."""
    return quick() + QUICK_EVIDENCE + "".join(f"{line}\n" for line in more)


class Witness(NamedTuple):
    """A platform: what it reports, and its evidence."""

    party: Party
    profile: Profile

    @property
    def target(self) -> Target:
        """Its hub."""
        return target_of(self.profile)

    async def hand_in(self, folder: Path, data: bytes, offer: Offer) -> Delivered:
        """Uploads bytes."""
        path = folder / offer.digest
        path.write_bytes(data)
        return await send_file(self.target, offer, path)

    async def fetch(self, folder: Path, digest: str) -> bytes:
        """Downloads bytes."""
        path = folder / f"{digest}.fetched"
        await fetch_file(self.target, digest, path)
        return path.read_bytes()

    async def states(self, *digests: str) -> list[int]:
        """Asks where attachments stand."""
        async with GrpcPeer(self.target) as hub:
            request = attachment.StatAttachmentsRequest(digests=digests)
            answer = await asked(hub.attachments.StatAttachments(request, timeout=30.0))
        return [stat.state for stat in answer.stats]


class Witnesses(NamedTuple):
    """A city's hub, its own platform and two counties'."""

    hub: StagedHub
    city: Witness
    county: Witness
    other: Witness


async def build_witnesses(stage: Stage, *more: str) -> Witnesses:
    """Starts a city's hub and joins three platforms."""
    hub = await stage.add_hub("431200.hub", "怀化市枢纽", quick_with_evidence(*more))
    hub.start()
    await hub.wait_until_open()
    found = []
    for name in (CITY_PLATFORM, COUNTY, OTHER_COUNTY):
        profile = await stage.add_platform(hub, name)
        found.append(Witness(Party(name, target_of(profile)), profile))
    return Witnesses(hub, *found)


class SendCommand(NamedTuple):
    """``sanji attachments send`` as a process."""

    file: Path
    profile: Path
    case_no: str
    kind: str

    def start(self, *more: str) -> "subprocess.Popen[str]":
        """Starts it."""
        command = [
            sys.executable, "-m", "hub", "attachments", "send", str(self.file), "--to", str(self.profile),
            "--case-no", self.case_no, "--kind", self.kind, *more,
        ]  # fmt: skip
        environment = {key: text for key, text in os.environ.items() if not key.startswith("SANJI_")}
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment | {"NO_COLOR": "1"}
        )

    async def run(self, *more: str) -> tuple[int, str]:
        """Runs it to its end; returns its code and all it said."""
        process = self.start(*more)
        out, told = await asyncio.to_thread(process.communicate, timeout=600)
        assert "Traceback" not in told, told
        return process.returncode, out + told


def spooled(hub: StagedHub) -> dict[str, int]:
    """Returns the files that are arriving at a hub, by digest."""
    folder = hub.settings.evidence.spool_folder
    return {path.name: path.stat().st_size for path in folder.glob("*/*")}


def stored(hub: StagedHub) -> dict[str, Any]:
    """Returns the files in a hub's store, by digest."""
    return {path.name: path for path in hub.settings.evidence.folder.glob("*/*/*") if path.is_file()}
