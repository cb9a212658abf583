"""Writes grid.json: bin edges, quantiles and counts computed by NumPy. Run by `make golden`.

Each row holds a reference sample and, for each rule, the edges of numpy.histogram_bin_edges and the counts of a current
sample in them: the reference's own values, and every edge with the float64 before and after it.
"""
import json
import os

import numpy as np

assert np.__version__ == "1.24.4", np.__version__
rng = np.random.default_rng(20240917)
tiny = 5e-324


def modular(n, a, m, power):
    """Values that the Go test computes for itself: (i·a mod m)^power, exact in float64."""
    return [float((i * a % m) ** power) for i in range(n)]


cases = {
    "one value": [3.5],
    "two values": [1.0, 2.0],
    "three values": [1.0, 2.0, 4.0],
    "constant": [7.0] * 40,
    "constant zero, both signs": [0.0, -0.0] * 10,
    "two distinct": [0.0] * 70 + [1.0] * 30,
    "zeros of both signs in the middle": [-1.0] * 20 + [0.0, -0.0] * 15 + [1.0] * 25,
    "normal": rng.normal(size=800),
    "few normal": rng.normal(size=17),
    "large offset": 1e9 + rng.normal(size=700),
    "offset where neighbours are far": np.sort(1e17 + 16.0 * rng.integers(0, 40, size=300)),  # sorted: see rules.go
    "lognormal": rng.lognormal(size=600),
    "heavy tails": rng.standard_t(2, size=500),
    "one far outlier": np.append(rng.normal(size=500), 1e6),
    "zero inflated": np.where(rng.random(500) < 0.5, 0.0, rng.lognormal(size=500)),
    "Poisson": rng.poisson(6, size=500).astype(float),
    "scores of two digits": np.round(rng.random(600), 2),
    "exponential, negative": -rng.exponential(size=400),
    "1e300": 1e300 * rng.normal(size=300),
    "1e-300": 1e-300 * rng.normal(size=300),
    "subnormal": tiny * rng.integers(-50, 50, size=300),
    "subnormal, of few values": tiny * rng.integers(0, 4, size=100),
    "the whole range": [-1.7e308, -1e300, 0.0, 1e300, 1.7e308] * 5,
    "half the range": [0.0, 1.0, 1e308, 1.7e308] * 5,
    "least and largest": [np.finfo(float).min, -1.0, 0.0],
    "0 to 999, where Freedman-Diaconis is a tie": np.arange(1000.0),
    "0 to 1023, where Sturges is a tie": np.arange(1024.0),
    "squares, 20000": ("modular", 20000, 48271, 65537, 2),
    "cubes, 50000": ("modular", 50000, 40692, 99991, 3),
    "16 values, 4096": ("modular", 4096, 7, 16, 1),
    "integers, 65536": ("modular", 65536, 48271, 65521, 1),
}


for n in range(3, 15):  # where the terms of Doane's rule in n show
    cases[f"{n} lognormal"] = rng.lognormal(sigma=1.5, size=n)


def hexes(xs):
    return [float(x).hex() for x in xs]


def counts(edges, x):
    """Counts of the current sample in the bins, and of what lies outside."""
    current = np.concatenate([x, edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    current = current[np.isfinite(current)]
    inside = np.histogram(current, bins=edges)[0]
    return [int(c) for c in inside] + [int(len(current) - inside.sum())]


rows = []
for name, values in cases.items():
    row = {"name": name}
    if isinstance(values, tuple):
        row["modular"] = values[1:]
        values = modular(*values[1:])
    else:
        row["values"] = hexes(values)
    x = np.array(values, dtype=np.float64)
    row["quantiles"] = hexes(np.quantile(x, np.arange(1, 200) / 200))  # i/200, i = 1 … 199
    deciles = np.unique(np.quantile(x, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]))
    if np.isfinite(deciles).all():
        # right-closed bins: the number of deciles below a value
        current = np.concatenate([x, deciles, np.nextafter(deciles, -np.inf), np.nextafter(deciles, np.inf)])
        row["deciles"] = hexes(deciles)
        row["decile_counts"] = [int(c) for c in np.bincount(np.searchsorted(deciles, current, side="left"), minlength=len(deciles) + 1)]
    for rule in ["doane", "sturges", "auto"]:
        try:
            with np.errstate(all="ignore"):
                edges = np.histogram_bin_edges(x, bins=rule)
                if rule == "auto" and len(edges) > 51:
                    edges = np.histogram_bin_edges(x, bins=50)
        except (ValueError, OverflowError) as e:  # NumPy cannot bin these
            row[rule] = {"error": str(e)}
            continue
        distinct = np.unique(edges)  # a range of a few float64 values has equal edges
        row[rule] = {"edges": hexes(edges), "counts": counts(distinct, x)}
    rows.append(row)

sizes = [*range(1, 400), 512, 729, 1000, 1331, 3375, 5000, 8000, 27000, 50000, 64000, 125000, 10**6, 10**9]
roots = {str(n): (n ** (-1.0 / 3.0)).hex() for n in sizes}  # as the rule of Freedman and Diaconis has it
out = {"made_by": f"grid.py, numpy {np.__version__}", "inverse_cube_roots": roots, "rows": rows}
with open(os.path.join(os.path.dirname(__file__), "grid.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
