"""How the releases a hub holds stand: in force, coming, past; drafts, refusals, and the lag of each neighbour.

Called by ``sanji standards releases`` and the console.
"""

from datetime import UTC, datetime
from typing import Any

from exchange_db import peers, standard_links, standards
from exchange_db.regions import format_region, line_of
from exchange_db.session import Ledger, ReadSession
from exchange_db.standard_links import ReaderState
from hub.standards import archive
from hub.standards.archive import Held
from hub.standards.manifest import Manifest, read_manifest
from hub.standards.releases import Standing, effective_time_of, in_force, withdrawn_by


async def listed(ledger: Ledger, region: int, now: int) -> dict[str, Any]:
    """Returns everything to show, as JSON has it; times are ISO 8601 in UTC.

    Args:
        ledger: the hub's database.
        region: region of the hub; what is in force is told for it.
        now: the hub's clock.
    """
    async with ledger.read() as session:
        held = await archive.held_releases(session)
        manifests = [one.manifest for one in held]
        standing = in_force(manifests, region, now)
        drafts = [read_manifest(draft.manifest, is_draft=True) for draft in await standards.all_drafts(session)]
        return {
            "releases": [_release(one, manifests, standing, region, now) for one in held],
            "damaged": [
                {"number": one.number, "digest": one.digest, "source_id": one.source_id}
                for one in await standards.all_releases(session)
                if archive.is_damaged(one)
            ],
            "drafts": [_named(manifest) | {"state": "draft"} for manifest in drafts],
            "refusals": [
                one._asdict() | {"first_time": one.first_time.isoformat(), "last_time": one.last_time.isoformat()}
                for one in await standard_links.open_refusals(session)
            ],
            "above": [
                one._asdict()
                | {name: _iso(getattr(one, name)) for name in ("begun_time", "pulled_time", "trouble_time")}
                for one in await standard_links.pull_states(session)
            ],
            "below": await _below(session),
        }


def state_of(
    manifest: Manifest,
    manifests: list[Manifest],
    standing: dict[tuple[str, str], Standing],
    region: int,
    now: int,
) -> str:
    """Returns how a release stands in a region: a key of the words shown for it."""
    if manifest.withdraws:
        return "withdrawal"
    withdrawal = withdrawn_by(manifests, manifest)
    if withdrawal is not None and effective_time_of(withdrawal, region) <= now:
        return "withdrawn"
    found = standing.get(manifest.key)
    if found is not None and manifest == found.base:
        return "in_force"
    if found is not None and manifest in found.extensions:
        return "extends"
    if found is not None and manifest in found.overruled:
        return "overruled"
    return "coming" if effective_time_of(manifest, region) > now else "past"


def _release(
    one: Held, manifests: list[Manifest], standing: dict[tuple[str, str], Standing], region: int, now: int
) -> dict[str, Any]:
    release, manifest = one
    withdrawal = withdrawn_by(manifests, manifest)
    return _named(manifest) | {
        "number": release.number,
        "digest": release.digest,
        "state": state_of(manifest, manifests, standing, region, now),
        "withdrawn_by": withdrawal.version if withdrawal else "",
        "withdraws": manifest.withdraws,
        "effective_here": _time(effective_time_of(manifest, region)),
        "published_time": _time(manifest.published_time),
        "source_id": release.source_id,
        "held_time": release.held_time.isoformat(),
        "documents": [document.name for document in manifest.documents],
    }


def _named(manifest: Manifest) -> dict[str, Any]:
    return {
        "publisher_id": manifest.publisher_id,
        "kind": manifest.kind,
        "name": manifest.name,
        "version": manifest.version,
        "title": manifest.title,
        "is_extension": manifest.is_extension,
        "effective_time": _time(manifest.effective_time),
        "stages": {stage.region_code: _time(stage.effective_time) for stage in manifest.stages},
    }


async def _below(session: ReadSession) -> list[dict[str, Any]]:
    readers = await standard_links.reader_states(session)
    # One pass over the list for however many neighbours: releases are few, neighbours may be thousands.
    numbers = await standards.numbers(session)
    found = []
    for peer in await peers.all_peers(session):
        if peer.relation != "child" or (peer.kind != "hub" and peer.peer_id not in readers):
            continue
        state = readers.get(peer.peer_id, ReaderState(peer.peer_id))
        line = line_of(peer.region)
        missing = sum(number > state.confirmed_number and region in line for number, region in numbers)
        found.append(
            {
                "peer_id": peer.peer_id,
                "region": format_region(peer.region),
                "missing_count": missing,
                "confirmed_number": state.confirmed_number,
                "asked_time": _iso(state.asked_time),
                "announced_number": state.announced_number,
                "announced_time": _iso(state.announced_time),
                "trouble": state.trouble,
            }
        )
    return found


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).isoformat()


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
