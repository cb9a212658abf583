"""Writes the golden tables of this package with delta-rs, the reference writer, from
rows of the census that the demo uses.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install deltalake==1.6.6 pyarrow==26.0.1
    /tmp/v/bin/python internal/delta/testdata/tables.py

Each table has beside it what delta-rs itself reads of it: versions.json. Files have
random names, so that another run writes other ones.
"""
import csv, gzip, json, os, shutil
from datetime import date
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "tables")
data = os.path.join(here, "..", "..", "demo", "data", "2016.csv.gz")
with gzip.open(data, "rt") as f:
    people = [row for _, row in zip(range(120), csv.DictReader(f))]


def rows(start, n, day=None):
    part = people[start:start + n]
    columns = {
        "id": pa.array([f"p{start + i}" for i in range(len(part))]),
        "AGEP": pa.array([int(p["AGEP"]) for p in part], pa.int64()),
        "p": pa.array([float(p["predicted_probability"]) for p in part], pa.float64()),
    }
    if day is not None:
        columns["dt"] = pa.array([date(2026, 1, day)] * len(part), pa.date32())
        columns["sex"] = pa.array([int(p["SEX"]) for p in part], pa.int32())
    return pa.table(columns)


def truth(path):
    """What delta-rs reads of each version."""
    said = {}
    for v in range(DeltaTable(path).version() + 1):
        try:
            t = DeltaTable(path, version=v)
        except Exception:
            continue
        said[v] = sorted(x["id"] for x in t.to_pyarrow_table().select(["id"]).to_pylist())
    with open(os.path.join(path, "versions.json"), "w") as f:
        json.dump(said, f)


def fresh(name):
    path = os.path.join(root, name)
    shutil.rmtree(path, ignore_errors=True)
    return path


# Appends, an overwrite, a delete, an update and a compaction.
path = fresh("plain")
write_deltalake(path, rows(0, 10))
write_deltalake(path, rows(10, 10), mode="append")
write_deltalake(path, rows(20, 10), mode="append")
DeltaTable(path).delete("id = 'p15'")
DeltaTable(path).update(predicate="id = 'p16'", updates={"p": "0.5"})
DeltaTable(path).optimize.compact()
write_deltalake(path, rows(30, 5), mode="overwrite")
truth(path)

# Rows and a file are deleted, and come back by RESTORE, which says that they are new.
path = fresh("restored")
write_deltalake(path, rows(0, 10))
write_deltalake(path, rows(10, 10), mode="append")
DeltaTable(path).delete("id = 'p3'")
DeltaTable(path).delete("id >= 'p10'")
DeltaTable(path).restore(1)
write_deltalake(path, rows(20, 5), mode="append")
DeltaTable(path).delete()
DeltaTable(path).restore(5)
truth(path)

# Partitions by a date and a number, a checkpoint in the middle, and a null partition.
path = fresh("partitioned")
for i in range(12):
    write_deltalake(path, rows(i * 5, 5, 12 - i), mode="append", partition_by=["dt", "sex"])
    if i == 9:
        DeltaTable(path).create_checkpoint()
none = rows(60, 2, 1).set_column(3, "dt", pa.nulls(2, pa.date32()))
write_deltalake(path, none, mode="append", partition_by=["dt", "sex"])
truth(path)

# The same checkpoint in three parts, and the commits before it cleaned up.
whole = path
path = fresh("parts")
shutil.copytree(whole, path)
log = os.path.join(path, "_delta_log")
checkpoint = os.path.join(log, f"{9:020}.checkpoint.parquet")
actions = pq.read_table(checkpoint)
each = -(-actions.num_rows // 3)
for i in range(3):
    pq.write_table(actions.slice(i * each, each), os.path.join(log, f"{9:020}.checkpoint.{i + 1:010}.{3:010}.parquet"))
os.remove(checkpoint)
for v in range(9):
    os.remove(os.path.join(log, f"{v:020}.json"))
with open(os.path.join(path, "versions.json")) as f:
    said = {v: ids for v, ids in json.load(f).items() if int(v) >= 9}
with open(os.path.join(path, "versions.json"), "w") as f:
    json.dump(said, f)
