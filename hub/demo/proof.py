"""The proof that nothing was lost and nothing happened twice, read from the ledgers of a staged federation.

Each hub is asked by plain SQL, on its own database: are the numbers of every stream complete, has every parcel that
was numbered for a neighbour arrived there, has any message or revision taken effect twice.
"""

from typing import Any, NamedTuple

import psycopg

from hub.demo.staging import StagedHub

_STREAMS = (
    "SELECT count(*) FILTER (WHERE s.last_sequence <> s.accepted_count + s.refused_count + s.duplicate_count"
    " OR s.accepted_count <> (SELECT count(*) FROM inbox_keys k WHERE k.stream_id = s.stream_id)), count(*)"
    " FROM streams s"
)
_TWICE = (
    "SELECT (SELECT count(*) - count(DISTINCT message_key) FROM inbox)"
    " + (SELECT count(*) FROM (SELECT 1 FROM case_sections GROUP BY home_region, case_id, section, origin_id, revision"
    " HAVING count(*) > 1) again)"
)
_OPEN_LINKS = (
    "SELECT count(*) FROM links l JOIN peers p USING (destination_id) WHERE p.address <> ''"
    " AND (l.last_sequence <> l.acked_sequence OR l.last_sequence <> l.receipted_sequence)"
)
_SENT = (
    "SELECT i.message_key::text FROM parcels p JOIN peers q USING (destination_id)"
    " JOIN inbox i ON i.partition = p.partition AND i.inbox_id = p.inbox_id WHERE q.peer_id = %s"
)
_HELD = "SELECT reason, field_path, message_zh FROM quarantine WHERE resolution = 'open' ORDER BY quarantine_id"


class Proof(NamedTuple):
    """What the ledgers say together. All but ``quarantined`` must be empty or 0."""

    incomplete_streams: int
    stream_count: int
    lost: int
    twice: int
    unsettled_links: int
    quarantined: list[tuple[str, str, str, str]]


def prove(ways: list[tuple[StagedHub, StagedHub]], hubs: list[StagedHub]) -> Proof:
    """Asks every hub.

    Args:
        ways: pairs of a sending hub and the hub above it.
        hubs: all hubs.
    """
    incomplete = streams = twice = unsettled = lost = 0
    held: list[tuple[str, str, str, str]] = []
    for hub in hubs:
        with psycopg.connect(hub.url) as connection:
            row = _one(connection, _STREAMS)
            incomplete, streams = incomplete + row[0], streams + row[1]
            twice += _one(connection, _TWICE)[0]
            unsettled += _one(connection, _OPEN_LINKS)[0]
            held += [(hub.folder.name, *found) for found in connection.execute(_HELD).fetchall()]
    for below, above in ways:
        with psycopg.connect(below.url) as sender, psycopg.connect(above.url) as receiver:
            sent = {row[0] for row in sender.execute(_SENT, (above.folder.name,)).fetchall()}
            arrived = {row[0] for row in receiver.execute("SELECT message_key::text FROM inbox_keys").fetchall()}
            lost += len(sent - arrived)
    return Proof(incomplete, streams, lost, twice, unsettled, held)


def newest_messages(hub: StagedHub, stream: str, count: int) -> list[str]:
    """Returns the keys of the last messages a hub took in one stream."""
    query = (
        "SELECT k.message_key::text FROM inbox_keys k JOIN streams s USING (stream_id) WHERE s.name = %s"
        " ORDER BY k.sequence DESC LIMIT %s"
    )
    with psycopg.connect(hub.url) as connection:
        return [row[0] for row in connection.execute(query, (stream, count)).fetchall()]


def hop_milliseconds(below: StagedHub, above: StagedHub, messages: list[str]) -> list[float]:
    """Returns how long messages took from disk at one hub to disk at the next, sorted."""
    query = (
        "SELECT message_key::text, (extract(epoch FROM received_time) * 1000)::float8 FROM inbox"
        " WHERE message_key = ANY(%s::uuid[])"
    )
    with psycopg.connect(below.url) as lower, psycopg.connect(above.url) as upper:
        left: dict[str, float] = dict(lower.execute(query, (messages,)).fetchall())
        came: dict[str, float] = dict(upper.execute(query, (messages,)).fetchall())
    return sorted(came[key] - moment for key, moment in left.items() if key in came)


def _one(connection: "psycopg.Connection[Any]", query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query.encode()).fetchone()
    assert row is not None  # noqa: S101 — an aggregate always gives a row
    return row
