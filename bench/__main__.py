"""``make bench``: runs the measurements (all, or those named) and prints a JSON object each.

Exits with 1 if one falls short. Names: judged, accept, applied, hops (one hop, one call, memory,
catch-up; needs applied), components (200,000 of them from a file to city and province),
reconcile (a million rows of a partner's database).
"""

import asyncio
import json
import sys
from typing import Any

from bench import accept, applied, components, hops, judged, reconcile

_NAMES = ("judged", "accept", "applied", "hops", "components", "reconcile")


async def _run(names: list[str]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []

    def show(result: dict[str, Any]) -> None:
        print(json.dumps(result, ensure_ascii=False), flush=True)
        results.append(result)

    if "judged" in names:
        show(judged.measure())
    if "accept" in names:
        show(await accept.measure())
    if "applied" in names or "hops" in names:
        rate = await applied.measure()
        show(rate)
        if "hops" in names:
            for result in await hops.measure(rate["hub_per_second"]):
                show(result)
    if "components" in names:
        show(await components.measure())
    if "reconcile" in names:
        for result in await reconcile.measure():
            show(result)
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
