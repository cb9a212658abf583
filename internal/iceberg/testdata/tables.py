"""Writes the golden tables of this package with PyIceberg, a reference writer, from
rows of the census that the demo uses.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install 'pyiceberg[sql-sqlite,pyarrow]==0.10.0' pyarrow==26.0.1
    /tmp/v/bin/python internal/iceberg/testdata/tables.py

Each table has beside it what PyIceberg itself reads of it: snapshots.json, a list of
the snapshots in their order. Files have random names, so that another run writes
other ones. The location in the metadata is a folder that is gone afterwards.
"""
import csv, gzip, json, os, shutil, tempfile
from datetime import date
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import DateType, DoubleType, IntegerType, LongType, NestedField, StringType

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "tables")
data = os.path.join(here, "..", "..", "demo", "data", "2016.csv.gz")
with gzip.open(data, "rt") as f:
    people = [row for _, row in zip(range(120), csv.DictReader(f))]

schema = Schema(
    NestedField(1, "id", StringType()), NestedField(2, "AGEP", LongType()), NestedField(3, "p", DoubleType()))
days = Schema(*schema.fields, NestedField(4, "dt", DateType()), NestedField(5, "sex", IntegerType()))


def rows(start, n, day=None):
    part = people[start:start + n]
    columns = {
        "id": pa.array([f"p{start + i}" for i in range(len(part))]),
        "AGEP": pa.array([int(p["AGEP"]) for p in part], pa.int64()),
        "p": pa.array([float(p["predicted_probability"]) for p in part], pa.float64()),
    }
    if day is not None:
        columns["dt"] = pa.array([date(2026, 1, day)] * len(part) if day else [None] * len(part), pa.date32())
        columns["sex"] = pa.array([int(p["SEX"]) for p in part], pa.int32())
    return pa.table(columns)


def extra(start, n, name):
    t = rows(start, n)
    return t.append_column(name, pa.array([i * 1.5 for i in range(n)], pa.float64()))


def truth(table):
    """What PyIceberg reads of each snapshot."""
    said = []
    for s in table.metadata.snapshots:
        t = table.scan(snapshot_id=s.snapshot_id).to_arrow()
        said.append({"id": s.snapshot_id, "operation": s.summary.operation.value, "ids": sorted(t["id"].to_pylist()), "columns": t.column_names})
    return said


def keep(name, table, said=None):
    path = os.path.join(root, name)
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(os.path.join(work, name), path)
    with open(os.path.join(path, "snapshots.json"), "w") as f:
        json.dump(truth(table) if said is None else said, f)


work = tempfile.mkdtemp()
catalog = SqlCatalog("golden", uri=f"sqlite:///{work}/catalog.db", warehouse=f"file://{work}")
catalog.create_namespace("golden")


def create(name, schema, spec=PartitionSpec(), **properties):
    return catalog.create_table(f"golden.{name}", schema, location=f"file://{work}/{name}", partition_spec=spec, properties=properties)


# Appends, a delete that writes the rest of a file again, and an overwrite, which is a
# delete and an append.
t = create("plain", schema)
for i in range(3):
    t.append(rows(i * 10, 10))
t.delete(EqualTo("id", "p15"))
t.overwrite(rows(30, 5))
keep("plain", t)

# The same of version 1 of the format.
t = create("first", schema, **{"format-version": "1"})
for i in range(2):
    t.append(rows(i * 5, 5))
keep("first", t)

# Partitions by a date and a number, a null partition, and by days of a date.
t = create("partitioned", days, PartitionSpec(
    PartitionField(4, 1000, IdentityTransform(), "dt"), PartitionField(5, 1001, IdentityTransform(), "sex")))
for i in range(3):
    t.append(rows(i * 5, 5, 12 - i))
t.append(rows(15, 2, 0))
with t.update_spec() as u:
    u.remove_field("dt")
    u.add_field("dt", DayTransform(), "day")
t.append(rows(17, 3, 20))
keep("partitioned", t)

# A column that is added, and one that is dropped.
t = create("evolved", schema)
t.append(rows(0, 5))
with t.update_schema() as u:
    u.add_column("extra", DoubleType())
t.append(extra(5, 5, "extra"))
with t.update_schema() as u:
    u.delete_column("AGEP")
t.append(extra(10, 5, "extra").drop_columns(["AGEP"]))
keep("evolved", t)

# A column that is renamed.
t = create("renamed", schema)
t.append(rows(0, 2))
with t.update_schema() as u:
    u.rename_column("p", "score")
keep("renamed", t, [])

shutil.rmtree(work)
