"""Cuts data sets to what the tests read: so many rows, evenly over each file, that
what drifts in the whole drifts in the cut. No value is changed and no column left
out. The first line of a file is its header; those of gas_sensor have none.

    cut.py folder-with-the-whole-data-sets
"""
import gzip, pathlib, sys

ROWS = {
    "bike_sharing/hour": 3000,
    "california_housing/reference": 1500, "california_housing/analysis": 1500, "california_housing/analysis_target": 1500,
    "census_employment/reference": 1500, "census_employment/analysis": 1500, "census_employment/analysis_target": 1500,
    "credit_card/reference": 1500, "credit_card/monitoring": 1500,
    "gas_sensor/batch1": 180, "gas_sensor/batch9": 180,
    "hotel_booking/reference": 1500, "hotel_booking/monitoring": 1500,
}

whole, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
for name, n in ROWS.items():
    lines = gzip.open(whole / (name + ".csv.gz"), "rb").read().splitlines(keepends=True)
    head = 0 if name.startswith("gas_sensor") else 1
    rows = lines[head:]
    kept = lines[:head] + [rows[i * len(rows) // n] for i in range(n)]
    to = here / (name + ".csv.gz")
    to.parent.mkdir(exist_ok=True)
    to.write_bytes(gzip.compress(b"".join(kept), 9, mtime=0))
