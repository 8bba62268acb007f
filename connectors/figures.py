"""Asking a hub for figures."""

from connectors.transports.grpc_peer import GrpcPeer, asked
from exchange_db.records import COUNTERS, Counts
from protos.statistics.v1 import statistics_service_pb2 as statistics


async def fetch_counts(
    hub: GrpcPeer, region_code: str, first_month: int, last_month: int, group_by: str = ""
) -> dict[str, Counts]:
    """Returns counts by group; months are year*100+month, inclusive.

    Raises:
        ConnectorError: the hub does not answer or does not let us see that region.
    """
    request = statistics.GetFiguresRequest(
        region_code=region_code, first_month=first_month, last_month=last_month, group_by=group_by
    )
    answer = await asked(hub.statistics.GetFigures(request, timeout=20.0))
    return {group.group_key: Counts(*(getattr(group.counts, name) for name in COUNTERS)) for group in answer.groups}
