"""By which column each growing table would be spread over several servers, and which are copied to all of them.

Citus, and any other sharding by hand, asks that the column is in every unique key and in the condition of every hot
statement; ``tests/e2e/test_distribution.py`` holds both against this. ``python -m exchange_db.tables.distribution``
prints the calls. Decision 0009 tells why these columns.
"""

import sys

from exchange_db.tables import METADATA

#: A table is spread by the first of these in its key.
_COLUMNS = frozenset({"home_region", "region", "partition", "destination_id"})
#: Spread by another column: uniqueness for ever by message; a queue without a key.
_OTHERS = {"inbox_keys": "message_key", "figure_deltas": "region"}
#: One row a neighbour or partition, or a person's rights: small, joined by all, and copied to every server.
_COPIED = frozenset({"attachment_cursors", "file_links", "links", "partitions", "person_grants", "unmaskings"})


def distributed() -> dict[str, str]:
    """Returns table to distribution column; tables of one column lie together, so that they can be joined."""
    columns = dict(_OTHERS)
    for name, table in METADATA.tables.items():
        named = [column.name for column in table.primary_key if column.name in _COLUMNS]
        if named and name not in _COPIED:
            columns[name] = named[0]
    return columns


def calls() -> str:
    """Returns the calls that distribute the tables, one a line.

    Source: Citus, create_distributed_table and create_reference_table.
    """
    columns, first = distributed(), dict[str, str]()
    lines = [f"SELECT create_reference_table('{name}');" for name in sorted(METADATA.tables.keys() - columns.keys())]
    for name, column in sorted(columns.items()):
        beside = f", colocate_with => '{first[column]}'" if column in first else ""
        first.setdefault(column, name)
        lines.append(f"SELECT create_distributed_table('{name}', '{column}'{beside});")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(calls())
