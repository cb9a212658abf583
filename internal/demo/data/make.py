#!/usr/bin/env python3
"""Makes the data of `driftmeter demo` from the originals.

    python3 make.py DIRECTORY

DIRECTORY holds reference.csv.gz, analysis.csv.gz and analysis_target.csv.gz, as
README.md says where to get them. Writes one file a year beside this script, and
labels.csv.gz with the truth about the years that were predicted, which is a file of
its own there too. The values are copied as they are written; the columns that can be
computed from the others are left out, and the script stops if they cannot:

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
PREDICTED = FEATURES + ["predicted_probability"]
TRUTH = ["employed"]
ROWS = {"2015": 68785, "2016": 69126, "2017": 69635, "2018": 70131}


def read(path):
    with gzip.open(path, "rt", newline="") as f:
        return list(csv.DictReader(f))


def main(directory):
    source = pathlib.Path(directory)
    reference, analysis = read(source / "reference.csv.gz"), read(source / "analysis.csv.gz")
    targets = read(source / "analysis_target.csv.gz")
    if [row["id"] for row in analysis] != [row["id"] for row in targets]:
        sys.exit("the targets are not those of the analysis rows, in their order")
    rows = reference + analysis

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
        write(year, PREDICTED + (TRUTH if "employed" in group[0] else []), group)
    write("labels", ["id"] + TRUTH, targets)


def write(name, columns, rows):
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(columns)
    out.writerows([row[c] for c in columns] for row in rows)
    packed = gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)
    path = pathlib.Path(__file__).parent / f"{name}.csv.gz"
    path.write_bytes(packed)
    print(path.name, len(rows), "rows,", len(packed), "bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
