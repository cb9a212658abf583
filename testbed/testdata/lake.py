"""Writes tables as Parquet, with pyarrow, and as Delta Lake tables, with delta-rs. These
have some commits, and a checkpoint before the last two.

    lake.py folder

In the folder are csv/<set>/<table>/<part>.csv.gz, and schemas.json with the type of each
column, by part. It makes parquet/<set>/<table>/<part>.parquet and delta/<set>/<table>.
"""
import json, pathlib, sys
import pyarrow as pa, pyarrow.csv as csv, pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

TYPES = {"timestamp[us, tz=UTC]": pa.timestamp("us", "UTC"), "timestamp[us]": pa.timestamp("us"), "date32": pa.date32()}

folder, tables = pathlib.Path(sys.argv[1]), {}
for part, columns in sorted(json.loads((folder / "schemas.json").read_text()).items()):
    types = {name: TYPES.get(t) or pa.type_for_alias(t) for name, t in columns.items()}
    rows = csv.read_csv(folder / "csv" / (part + ".csv.gz"), convert_options=csv.ConvertOptions(
        column_types=types, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=True))
    path = folder / "parquet" / (part + ".parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, row_group_size=600)
    tables.setdefault(part.rsplit("/", 1)[0], []).append(rows)
for name, parts in tables.items():
    rows, path = pa.concat_tables(parts), folder / "delta" / name
    path.mkdir(parents=True)
    commits = 11 if name.startswith("car_loan") else 3
    each = -(-rows.num_rows // commits)
    for i in range(commits):
        write_deltalake(path, rows.slice(i * each, each), mode="append")
        if i == commits - 3:
            DeltaTable(path).create_checkpoint()
