"""Writes the labelled records of a model, as OTLP JSON lines, into a Parquet file.

    python to_parquet.py --model loans training-data/*.jsonl -o labelled.parquet

A row is a prediction. Columns are named by group and field, as
`driftmeter reference build` reads them.
Of several records about one prediction the one with the highest revision holds:
a label may have been corrected since, and a record may be there twice.
"""
import argparse
import json
import sys

import pyarrow
import pyarrow.parquet

GROUPS = ("features", "raw_inputs", "predictions", "actuals", "explanations", "metrics")


def value(v):
    """Returns a value of OTLP, which says its type, as it is."""
    if "arrayValue" in v:
        return [value(e) for e in v["arrayValue"].get("values", [])]
    if "kvlistValue" in v:
        return attributes(v["kvlistValue"].get("values", []))
    if "intValue" in v:
        return int(v["intValue"])
    return next(iter(v.values()), None)


def attributes(pairs):
    return {p["key"]: value(p.get("value", {})) for p in pairs}


def records(lines):
    for line in lines:
        for resource in json.loads(line).get("resourceLogs", []):
            for scope in resource.get("scopeLogs", []):
                for record in scope.get("logRecords", []):
                    yield record.get("timeUnixNano"), attributes(record.get("attributes", []))


def rows(paths, prefix, model, version):
    latest = {}
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for time, a in records(lines):
                if a.get(prefix + "model.name") != model or version and a.get(prefix + "model.version") != version:
                    continue
                key = a.get(prefix + "prediction.id")
                revision = a.get(prefix + "label.revision", 0)
                if key in latest and latest[key][0] >= revision:
                    continue
                row = {"id": key, "timestamp": int(time) if time else None}
                for name, v in a.items():
                    if name.startswith(tuple(prefix + g + "." for g in GROUPS)):
                        row[name[len(prefix):]] = v
                latest[key] = revision, row
    return [row for _, row in latest.values()]


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("files", nargs="+")
    p.add_argument("--model", required=True)
    p.add_argument("--version", help="all versions if absent")
    p.add_argument("-o", "--output", default="labelled.parquet")
    p.add_argument("--prefix", default="ml.", help="attribute_prefix of groundtruth")
    args = p.parse_args()
    found = rows(args.files, args.prefix, args.model, args.version)
    if not found:
        sys.exit(f"there is no labelled record of {args.model}")
    names = list(dict.fromkeys(name for row in found for name in row))
    table = pyarrow.table({name: [row.get(name) for row in found] for name in names})
    t = table.schema.get_field_index("timestamp")
    table = table.set_column(t, "timestamp", table.column(t).cast(pyarrow.timestamp("ns", "UTC")))
    pyarrow.parquet.write_table(table, args.output)
    print(f"{table.num_rows} predictions, {table.num_columns} columns: {args.output}")


if __name__ == "__main__":
    main()
