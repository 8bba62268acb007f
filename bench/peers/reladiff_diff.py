"""Compares two equal tables with reladiff 0.6.0 and prints how many seconds it took.

Usage: reladiff_diff.py SOURCE_URL TARGET_URL COLUMN,COLUMN,…
"""

import sys
import time

import reladiff

source, target, columns = sys.argv[1:]
KEY = ("n",)
tables = [
    reladiff.connect_to_table(url, "x_case", KEY, extra_columns=tuple(columns.split(","))) for url in (source, target)
]
begun = time.perf_counter()
found = sum(1 for _ in reladiff.diff_tables(*tables, threaded=True))
print(f"seconds {time.perf_counter() - begun:.3f} found {found}")
