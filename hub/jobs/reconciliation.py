"""The jobs that reconcile links: marking what goes over them, comparing them."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.schedule import Job
from hub.reconciliation.compared import ComparedLink
from hub.reconciliation.comparing import LinkReconciler
from hub.reconciliation.counting import LinkCounter
from hub.reconciliation.folding import MarkFold
from hub.sections.reconcile import ReconcilePart


def reconcile_jobs(ledger: Ledger, part: ReconcilePart, clock: Clock, reconciler: LinkReconciler) -> tuple[Job, ...]:
    """Returns the jobs.

    Args:
        ledger: the hub's database.
        part: how often, and whether repairs wait for a person.
        clock: the hub's clock.
        reconciler: compares the links that can be dialled.
    """
    fold, counter = MarkFold(ledger), LinkCounter(ledger, clock)

    async def mark_records() -> str:
        return f"{await fold.run()} 条记录 / records"

    async def reconcile_links() -> str:
        links = await reconciler.run(is_repairing=part.is_repairing)
        count = await counter.count_newest(part.recheck_days)
        return "; ".join([*map(in_words, links), f"{count} 日统计 / days counted"])

    return (
        Job("mark-records", part.mark_seconds, mark_records),
        Job("reconcile-links", part.compare_seconds, reconcile_links),
    )


def in_words(link: ComparedLink) -> str:
    """Says in one line what comparing a link showed."""
    left = sum(day.left_count for day in link.days)
    resent = sum(len(day.resent) for day in link.days)
    told = f"{link.peer_id} {len(link.days)} 日 / days, 差异 / differences {left}, 补发 / resent {resent}"
    return f"{told}, {link.trouble}" if link.trouble else told
