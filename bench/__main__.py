"""``make bench``: runs the measurements (all, or those named) and prints a JSON object each.

Exits with 1 if one falls short. Names: judged, accept, applied, hops (one hop, one call, memory,
catch-up; needs applied), components (200,000 of them from a file to city and province), exchange (with partners'
databases; needs applied), reconcile (a million rows of a partner's database), permissions (decisions about rights),
signing (batches signed and verified), audit (entries of the audit log, durable), sign_on (silent and brokered
sign-ons), figures (upkeep, counting anew, a month's sheet, drill-down), questions (the archive in DuckDB, against
the rebuild of the figures), console (every page at 3,000 links, and what reading costs the exchange).
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from bench import (
    accept,
    applied,
    audit,
    components,
    console,
    exchange,
    figures,
    hops,
    judged,
    permissions,
    questions,
    reconcile,
    sign_on,
    signing,
)

_NAMES = (
    "judged",
    "accept",
    "applied",
    "hops",
    "components",
    "exchange",
    "reconcile",
    "permissions",
    "signing",
    "audit",
    "sign_on",
    "figures",
    "questions",
    "console",
)


async def _measure(names: set[str]) -> AsyncIterator[dict[str, Any]]:
    """Yields the measurements that are wanted, as they are done."""
    if "judged" in names:
        yield judged.measure()
    if "permissions" in names:
        yield permissions.measure()
    if "accept" in names:
        yield await accept.measure()
    if names & {"applied", "hops", "exchange"}:
        rate = await applied.measure()
        yield rate
        for name, measure in (("hops", hops.measure), ("exchange", exchange.measure)):
            for result in await measure(rate["hub_per_second"]) if name in names else ():
                yield result
    if "components" in names:
        yield await components.measure()
    for name, compare in (
        ("reconcile", reconcile.measure),
        ("signing", signing.measure),
        ("audit", audit.measure),
        ("sign_on", sign_on.measure),
        ("figures", figures.measure),
        ("questions", questions.measure),
        ("console", console.measure),
    ):
        for result in await compare() if name in names else ():
            yield result


async def _run(names: list[str]) -> list[dict[str, Any]]:
    results = []
    async for result in _measure(set(names)):
        print(json.dumps(result, ensure_ascii=False), flush=True)
        results.append(result)
    return results


def main() -> None:
    """Runs what the command line names."""
    names = sys.argv[1:] or list(_NAMES)
    if unknown := set(names) - set(_NAMES):
        raise SystemExit(f"unknown measurement {', '.join(sorted(unknown))}; there are {', '.join(_NAMES)}")
    results = asyncio.run(_run(names))
    raise SystemExit(0 if all(result["is_reached"] for result in results) else 1)


if __name__ == "__main__":
    main()
