"""Writes the rows of a Parquet file as a Delta Lake table, with delta-rs: eleven
commits, and a checkpoint before the last two.

    delta.py rows.parquet table
"""
import sys
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

rows, path = pq.read_table(sys.argv[1]), sys.argv[2]
each = -(-rows.num_rows // 11)
for i in range(11):
    write_deltalake(path, rows.slice(i * each, each), mode="append")
    if i == 8:
        DeltaTable(path).create_checkpoint()
