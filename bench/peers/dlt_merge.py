"""dlt: loads ``x_case`` from one PostgreSQL into another with ``merge``. Arguments: source URL, target URL, folder."""

import sys
import time

import dlt
from dlt.sources.sql_database import sql_table

source, target, folder = sys.argv[1:4]
pipeline = dlt.pipeline(
    "bench", destination=dlt.destinations.postgres(target), dataset_name="taken", pipelines_dir=folder
)
table = sql_table(
    source.replace("postgresql://", "postgresql+psycopg2://"),
    "x_case",
    backend="pyarrow",
    chunk_size=50_000,
    primary_key=["issuer_id", "case_no"],
    write_disposition="merge",
)
begun = time.perf_counter()
pipeline.run(table)
print("seconds", time.perf_counter() - begun)
