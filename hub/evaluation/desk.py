"""The desk of scores: makes runs from what the ledger holds, keeps them as revisions, and repeats them on demand.

A run that says nothing new is not kept twice. Called by ``hub.rpc``, ``hub.console`` and ``hub.cli``.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from exchange_db import score_runs
from exchange_db.counting import month_bounds
from exchange_db.figures import Basis
from exchange_db.records import Violated
from exchange_db.regions import Regions, Tier, format_region, subtree, tier_of
from exchange_db.score_runs import RunHead, RunRow
from exchange_db.session import Ledger, ReadSession
from hub.clock import Clock
from hub.evaluation.changes import Change, changes_of
from hub.evaluation.evidence import Scope
from hub.evaluation.gathering import gather_units
from hub.evaluation.releases import Definitions, definitions_in_force
from hub.evaluation.runs import (
    Kept,
    KeptRun,
    KeptTree,
    Run,
    ScoreRun,
    digest_of,
    is_reproduced,
    read_kept,
    run_scores,
    run_tree,
    write_run,
)
from hub.evaluation.schemes import CompositeScheme, Scheme
from hub.evaluation.sources import InputSource
from hub.evaluation.spans import Span, parse_period
from hub.evaluation.tree_gathering import gather_tree
from hub.recording import actor, recorded
from hub.settings import Settings
from hub.statistics.sheets import draws_sheets


class Shown(NamedTuple):
    """A kept run: its head and what it says."""

    head: RunHead
    kept: Kept


class Made(NamedTuple):
    """What a run has brought: ``is_new`` is false when the run that counts says the same already."""

    shown: Shown
    is_new: bool
    changes: tuple[Change, ...]


class Reproduced(NamedTuple):
    """Whether a kept run comes out the same, and which digests do: of scheme, inputs and result."""

    shown: Shown
    is_same: bool
    digests: tuple[tuple[str, str, str], ...]


class ScoreDesk:
    """Makes and keeps runs.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._part = settings.evaluation
        self._figures = settings.figures
        self._clock = clock
        self.hub_region = settings.hub.region

    async def definitions(self, region: int, moment: int = 0) -> Definitions:
        """Returns the metrics and schemes in force in a region at a moment, now when it is 0."""
        async with self._ledger.read() as session:
            return await definitions_in_force(session, region, moment or self._clock())

    async def run(self, region: int, scheme_id: str, period: str, reason: str = "") -> Made:
        """Makes a run of a region and period and keeps it as the next revision.

        Args:
            region: six digits as a number, inside the hub's.
            scheme_id: which scheme.
            period: as ``hub.evaluation.spans`` reads it; a month where units are scored.
            reason: why it is made again; empty for the figures' sake.

        Raises:
            Violated: REGION_FORBIDDEN, ARGUMENT_INVALID or SCHEME_UNKNOWN.
            InputInvalid: the inputs do not suffice.
        """
        span = parse_period(period)
        if region not in subtree(self.hub_region):
            raise Violated("REGION_FORBIDDEN", "region", format_region(region))
        async with self._ledger.read() as session:
            scope = await self._scope(session, region, scheme_id, span)
            kept = await self._computed(session, scope)
            row = await score_runs.latest(session, region, scheme_id, span.period)
        if row is not None and _says_the_same(row.head, kept.run):
            return Made(Shown(row.head, read_kept(row.head.kind, row.content)), is_new=False, changes=())
        return await self._keep(scope, kept, reason)

    async def _keep(self, scope: Scope, kept: Kept, reason: str) -> Made:
        region, scheme_id, period = scope.region, scope.scheme.scheme_id, scope.span.period
        detail = {"run": kept.run.run_id, "reason": reason}
        async with recorded(
            self._ledger, "evaluation.run", f"{scheme_id} {period}", region=region, detail=dict(detail)
        ) as act:
            await score_runs.hold(act.session, region, scheme_id, period)
            row = await score_runs.latest(act.session, region, scheme_id, period)
            before = None if row is None else read_kept(row.head.kind, row.content)
            head = self._head(scope, kept.run, 1 if row is None else row.head.revision + 1, reason)
            act.detail["revision"] = head.revision
            await score_runs.add(act.session, head, write_run(kept))
        return Made(Shown(head, kept), is_new=True, changes=() if before is None else changes_of(before, kept))

    def _head(self, scope: Scope, run: Run, revision: int, reason: str) -> RunHead:
        return RunHead(
            region=scope.region,
            scheme_id=scope.scheme.scheme_id,
            period=scope.span.period,
            revision=revision,
            run_id=run.run_id,
            kind="composite" if isinstance(run.scheme, CompositeScheme) else "tree",
            scheme_version=run.scheme.version,
            code_version=run.code_version,
            scheme_digest=run.scheme_digest,
            input_digest=run.input_digest,
            result_digest=run.result_digest,
            reason=reason,
            made_by=actor(),
            made_time=datetime.fromtimestamp(self._clock() / 1_000_000, UTC),
        )

    async def _scope(self, session: ReadSession, region: int, scheme_id: str, span: Span) -> Scope:
        """Looks the scheme up as it was in force at the period's end, or is now while the period goes on."""
        end = month_bounds(span.last_month, self._figures.counting)[1] - timedelta(microseconds=1)
        moment = min(round(end.timestamp() * 1_000_000), self._clock())
        found = await definitions_in_force(session, region, moment)
        if scheme_id not in found.schemes:
            raise Violated("SCHEME_UNKNOWN", "scheme", scheme_id)
        draws = draws_sheets(self._figures.draws_sheets, self.hub_region)
        basis = Basis.LEDGER if draws else Basis.CHOICE
        return Scope(region, span, self._ranking(found.schemes[scheme_id]), found.metrics, basis)

    def _ranking(self, scheme: Scheme) -> Scheme:
        """Returns a scheme with the tenant's choice about ranking: cities are not ranked at the nation's hub."""
        is_ranked = self._part.is_ranked
        if is_ranked is None:
            is_ranked = scheme.is_ranked and tier_of(self.hub_region) is not Tier.NATION
        return replace(scheme, is_ranked=is_ranked)

    @staticmethod
    async def _computed(session: ReadSession, scope: Scope) -> Kept:
        sources: tuple[InputSource, ...]
        if isinstance(scope.scheme, CompositeScheme):
            units, sources = await gather_units(session, scope)
            return KeptRun(run=run_scores(scope.scheme, units), sources=sources)
        nodes, sources = await gather_tree(session, scope)
        return KeptTree(run=run_tree(scope.scheme, nodes), sources=sources)

    async def find(self, visible: Regions, run_id: str) -> Shown:
        """Returns a run by the beginning of its id.

        Raises:
            Violated: RUN_NOT_FOUND.
        """
        async with self._ledger.read() as session:
            row = await score_runs.find(session, visible, run_id) if run_id else None
        return _shown(row, run_id)

    async def of_period(self, region: int, scheme_id: str, period: str, revision: int = 0) -> Shown:
        """Returns the run of a period that counts, or the revision that is named.

        Raises:
            Violated: RUN_NOT_FOUND or ARGUMENT_INVALID.
        """
        name = parse_period(period).period
        async with self._ledger.read() as session:
            if revision:
                row = await score_runs.of_revision(session, region, scheme_id, name, revision)
            else:
                row = await score_runs.latest(session, region, scheme_id, name)
        return _shown(row, f"{format_region(region)} {scheme_id} {name}")

    async def listing(
        self,
        visible: Regions,
        *,
        scheme_id: str = "",
        period: str = "",
        after: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> list[RunHead]:
        """Returns runs, newest first; see ``exchange_db.score_runs.listing``."""
        async with self._ledger.read() as session:
            return await score_runs.listing(
                session, visible, scheme_id=scheme_id, period=period, after=after, limit=limit
            )

    async def changes(self, shown: Shown) -> tuple[Change, ...]:
        """Returns what a run has changed against the revision before it."""
        head = shown.head
        if head.revision == 1:
            return ()
        async with self._ledger.read() as session:
            row = await score_runs.of_revision(session, head.region, head.scheme_id, head.period, head.revision - 1)
        return () if row is None else changes_of(read_kept(row.head.kind, row.content), shown.kept)


def reproduce(shown: Shown) -> Reproduced:
    """Repeats a kept run from what was kept with it, and compares every digest with what the ledger says. Pure."""
    head, run = shown.head, shown.kept.run
    again: Run = run_scores(run.scheme, run.inputs) if isinstance(run, ScoreRun) else run_tree(run.scheme, run.inputs)
    digests = (
        ("scheme", head.scheme_digest, digest_of(run.scheme)),
        ("inputs", head.input_digest, digest_of(run.inputs)),
        ("result", head.result_digest, again.result_digest),
        ("run", head.run_id, again.run_id),
    )
    return Reproduced(shown, is_reproduced(run) and all(told == found for _, told, found in digests), digests)


def _shown(row: RunRow | None, name: str) -> Shown:
    if row is None:
        raise Violated("RUN_NOT_FOUND", "run", name)
    return Shown(row.head, read_kept(row.head.kind, row.content))


def _says_the_same(head: RunHead, run: Run) -> bool:
    return (head.run_id, head.result_digest) == (run.run_id, run.result_digest)
