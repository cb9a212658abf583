"""Makes rows as Databricks' inference tables have them: served/, a Delta table, and payload.ndjson, its first rows.

    pip install deltalake==1.6.6 pyarrow==26.0.1
    python make.py

The columns and their types are those that Databricks documents for the payload table of a served model.
"""

import datetime
import json
import os
import random
import shutil

import pyarrow as pa
from deltalake import write_deltalake

rng = random.Random(7)
START = datetime.datetime(2026, 11, 2, 9, tzinfo=datetime.timezone.utc)


def house(shift: float) -> dict:
    return {"area": round(rng.gauss(100 + shift, 25), 1), "rooms": rng.randint(1, 5), "city": rng.choice(["Lyon", "Graz", "Porto"])}


def row(i: int, houses: list[dict]) -> dict:
    failed = i % 40 == 39
    if i % 2:
        request = {"dataframe_records": houses}
    else:
        request = {"dataframe_split": {"columns": list(houses[0]), "data": [list(h.values()) for h in houses]}}
    response = {"error_code": "BAD_REQUEST", "message": "…"} if failed else {"predictions": [3000 * h["area"] for h in houses]}
    at = START + datetime.timedelta(seconds=10 * i)
    return {
        "databricks_request_id": f"{rng.getrandbits(64):016x}",
        "client_request_id": f"order-{i}",
        "date": at.date(),
        "timestamp_ms": int(at.timestamp() * 1000),
        "status_code": 400 if failed else 200,
        "sampling_fraction": 1.0,
        "execution_time_ms": rng.randint(5, 50),
        "request": json.dumps(request),
        "response": json.dumps(response, ensure_ascii=False),
        "request_metadata": [("endpoint_name", "houses"), ("model_name", "house_prices"), ("model_version", "3")],
    }


schema = pa.schema(
    [
        ("databricks_request_id", pa.string()), ("client_request_id", pa.string()), ("date", pa.date32()), ("timestamp_ms", pa.int64()),
        ("status_code", pa.int32()), ("sampling_fraction", pa.float64()), ("execution_time_ms", pa.int64()), ("request", pa.string()),
        ("response", pa.string()), ("request_metadata", pa.map_(pa.string(), pa.string())),
    ]
)  # fmt: skip

os.chdir(os.path.dirname(os.path.abspath(__file__)))
shutil.rmtree("served", ignore_errors=True)
rows = [row(i, [house(0 if i < 360 else 40) for _ in range(1 + i % 3)]) for i in range(720)]
write_deltalake("served", pa.Table.from_pylist(rows[:360], schema))
write_deltalake("served", pa.Table.from_pylist(rows[360:], schema), mode="append")
with open("payload.ndjson", "w") as f:
    for r in rows[:2] + rows[39:40]:
        f.write(json.dumps(r | {"date": str(r["date"]), "request_metadata": dict(r["request_metadata"])}, ensure_ascii=False) + "\n")
