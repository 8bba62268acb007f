"""The jobs that look after evidence: finding what cases name, fetching what is missing, reading the store again."""

from collections.abc import Callable

from connectors.transports.grpc_peer import Target
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evidence.fetching import EvidenceFetch
from hub.evidence.finding import EvidenceSearch
from hub.evidence.giving import EvidenceReader
from hub.evidence.reception import ReceptionDesk
from hub.evidence.scrub import EvidenceScrub
from hub.evidence.sending import EvidenceSending
from hub.jobs.schedule import Job
from hub.sections.evidence import EvidencePart

_MEGABYTE = 1_000_000


def evidence_jobs(
    ledger: Ledger,
    part: EvidencePart,
    clock: Clock,
    desk: ReceptionDesk,
    reader: EvidenceReader,
    target_of: Callable[[Peer], Target],
    *,
    is_dialled: bool,
) -> tuple[Job, ...]:
    """Returns the jobs.

    Args:
        ledger: the hub's database.
        part: how often, how much, and by which rules.
        clock: the hub's clock.
        desk: takes in what is fetched.
        reader: reads and checks what is held.
        target_of: how a neighbour is dialled.
        is_dialled: whether neighbours can dial this hub; if not, it asks them what they want of it.
    """
    search = EvidenceSearch(ledger, part, clock)
    fetch = EvidenceFetch(ledger, desk, part, clock, target_of)
    sending = EvidenceSending(ledger, reader, target_of)
    scrub = EvidenceScrub(ledger, reader, part.spool_folder, clock)

    async def find_attachments() -> str:
        return f"{await search.run()} 个附件引用 / references"

    async def fetch_attachments() -> str:
        done = await fetch.run()
        return f"取得 / fetched {done.fetched_count}, 未成 / failed {done.failed_count}"

    async def send_attachments() -> str:
        return f"上送 / sent {await sending.run()}"

    async def scrub_attachments() -> str:
        done = await scrub.run(part.scrub_megabytes * _MEGABYTE)
        return f"{done.attachment_count} 个附件 / attachments, 损坏 / corrupt {done.corrupt_count}"

    jobs = (
        Job("find-attachments", part.find_seconds, find_attachments),
        Job("fetch-attachments", part.fetch_seconds, fetch_attachments),
        Job("scrub-attachments", part.scrub_seconds, scrub_attachments),
    )
    return jobs if is_dialled else (*jobs, Job("send-attachments", part.fetch_seconds, send_attachments))
