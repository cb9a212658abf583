"""Changes an Iceberg table by PyIceberg and its catalogue of AWS Glue. Each line of the
input is a change; each is answered by a line with the rows that the table then has, an
object of them by their ids.

    glue.py http://127.0.0.1:5000
    append 0 10     rows p0 to p9; the first makes the table
    delete p3
"""
import json, sys
import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.expressions import EqualTo
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

aws = {"region": "us-east-1", "access-key-id": "test", "secret-access-key": "test", "endpoint": sys.argv[1]}
catalog = GlueCatalog("glue", **{f"{of}.{key}": value for of in ("glue", "s3") for key, value in aws.items()})
schema = Schema(NestedField(1, "id", StringType()), NestedField(2, "age", LongType()), NestedField(3, "p", DoubleType()))
table = catalog.create_table("scores.people", schema, location="s3://lake/metadata/people")
for line in sys.stdin:
    what, *args = line.split()
    if what == "append":
        ids = range(int(args[0]), int(args[1]))
        table.append(pa.table({"id": [f"p{i}" for i in ids], "age": pa.array([20 + i for i in ids], pa.int64()), "p": [i / 100 for i in ids]}))
    else:
        table.delete(EqualTo("id", args[0]))
    print(json.dumps({row["id"]: row for row in table.scan().to_arrow().to_pylist()}), flush=True)
