"""What a chart shows and where its numbers stand; ``hub.reports.charts`` draws it. Pure, and quick to import."""

from typing import NamedTuple

#: Most groups of a chart; more cannot be read.
MOST_GROUPS = 24


class Plot(NamedTuple):
    """What a chart shows: groups along the axis, and a value for each in every series (``None``: there is none).

    Rates are parts of 1, shown as percentages; their axis ends at 100 %, unless one goes beyond.
    """

    title: str
    groups: tuple[str, ...]
    series: tuple[tuple[str, tuple[float | None, ...]], ...]
    is_rate: bool = False
    is_line: bool = False

    @property
    def number_format(self) -> str:
        """Format of the values, as spreadsheets write it."""
        return "0.00%" if self.is_rate else "0"

    def first(self, count: int) -> "Plot":
        """Returns the chart of the first groups alone."""
        series = tuple((name, values[:count]) for name, values in self.series)
        return self._replace(groups=self.groups[:count], series=series)


class Places(NamedTuple):
    """Where a chart's numbers stand in a sheet: rows of the groups, their column, and the column of each series."""

    sheet: str
    first_row: int
    last_row: int
    group_column: str
    columns: tuple[str, ...]
    heading_row: int
