"""The tables of ``docs/bad-input.md``, drawn from the corpus: ``python -m tests.contract.dirty.page`` prints them."""

from tests.contract.dirty.cells import ALL, CELLS
from tests.contract.dirty.files import FILES
from tests.contract.dirty.outcomes import told
from tests.contract.dirty.records import RECORDS


def tables() -> dict[str, str]:
    """Returns the tables by the heading they stand under."""
    records = [f"| {one.what} | {told(one.outcome)} |" for one in RECORDS]
    cells = [
        f"| {one.what} | {'' if one.kinds == ALL else ', '.join(one.kinds).upper()} | {told(one.outcome)} |"
        for one in CELLS
    ]
    files = [f"| `{one.name}` | {one.what} | {one.outcome} |" for one in FILES]
    return {
        "Records": "\n".join(["| what comes in | what becomes of it |", "|---|---|", *records]),
        "Cells": "\n".join(["| what stands in a cell | only in | what becomes of the row |", "|---|---|---|", *cells]),
        "Files": "\n".join(["| file | what it is | what becomes of it |", "|---|---|---|", *files]),
    }


if __name__ == "__main__":
    for heading, table in tables().items():
        print(f"## {heading}\n\n{table}\n")  # noqa: T201 — that is what it is for
