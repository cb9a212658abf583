#!/usr/bin/env python3
"""Makes the data of `driftmeter demo` from the originals.

    python3 make.py DIRECTORY

DIRECTORY holds reference.csv.gz, analysis.csv.gz and analysis_target.csv.gz, as
README.md says where to get them. Writes one file a year beside this script. The
values are copied as they are written; the columns that can be computed from the
others are left out, and the script stops if they cannot:

    id           the running number of the row
    year         the name of the file
    prediction   predicted_probability >= 0.5
"""
import csv
import gzip
import io
import pathlib
import sys

FEATURES = "AGEP SCHL MAR RELP DIS ESP CIT MIG MIL ANC NATIVITY DEAR DEYE DREM SEX RAC1P".split()
COLUMNS = FEATURES + ["predicted_probability", "employed"]
ROWS = {"2015": 68785, "2016": 69126, "2017": 69635, "2018": 70131}


def read(path):
    with gzip.open(path, "rt", newline="") as f:
        return list(csv.DictReader(f))


def main(directory):
    source = pathlib.Path(directory)
    analysis = read(source / "analysis.csv.gz")
    targets = read(source / "analysis_target.csv.gz")
    for row, target in zip(analysis, targets, strict=True):
        if row["id"] != target["id"]:
            sys.exit(f"analysis row {row['id']} stands beside target {target['id']}")
        row["employed"] = target["employed"]
    rows = read(source / "reference.csv.gz") + analysis

    years = {}
    for i, row in enumerate(rows):
        if int(row["id"]) != i:
            sys.exit(f"row {i} has id {row['id']}")
        if int(row["prediction"]) != (float(row["predicted_probability"]) >= 0.5):
            sys.exit(f"row {i}: the prediction is not probability >= 0.5")
        years.setdefault(row["year"], []).append(row)
    if list(years) != sorted(years) or {y: len(r) for y, r in years.items()} != ROWS:
        sys.exit("the years are not in order or not complete")

    for year, group in years.items():
        text = io.StringIO()
        out = csv.writer(text, lineterminator="\n")
        out.writerow(COLUMNS)
        out.writerows([row[c] for c in COLUMNS] for row in group)
        packed = gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)
        path = pathlib.Path(__file__).parent / f"{year}.csv.gz"
        path.write_bytes(packed)
        print(path.name, len(group), "rows,", len(packed), "bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
