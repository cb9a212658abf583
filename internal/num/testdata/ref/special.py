"""Writes special.json: distribution functions computed by SciPy. Run by `make golden`."""
import json
import os

import scipy
from scipy import special, stats

assert scipy.__version__ == "1.10.1", scipy.__version__

dfs = [0.5, 1, 2, 3, 9, 10, 19, 50, 199, 999, 5000]
rows = []


def row(function, args, want):
    rows.append({"function": function, "args": [float(a).hex() for a in args], "want": float(want).hex()})


for df in dfs:
    for x in [0, 1e-300, 1e-8, 0.1, 0.5, 1, df / 2, df, 1.5 * df, 2 * df + 10, 5 * df + 20, 700]:
        row("chi_squared_survival", [x, df], stats.chi2.sf(x, df))
    for p in [0, 1e-10, 1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.05, 0.25, 0.5, 0.8, 0.95, 0.99, 0.999, 0.999999, 1]:
        row("chi_squared_quantile", [p, df], stats.chi2.ppf(p, df))
for p in [0, 1e-300, 1e-20, 1e-9, 0.001, 0.025, 0.15, 0.5, 0.75, 0.975, 0.999, 1 - 2**-40, 1]:
    row("normal_quantile", [p], special.ndtri(p))
for t in [-1, 0, 1e-320, 1e-3, 0.03, 0.04, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8276, 0.9, 0.99, 1 - 2**-53, 1, 1 + 2**-52,
          1.01, 1.2238, 1.3581, 1.5, 1.6276, 1.9495, 2.5, 4, 8, 15, 19, 20]:
    row("kolmogorov_survival", [t], special.kolmogorov(t))

out = {"made_by": f"special.py, scipy {scipy.__version__}", "rows": rows}
with open(os.path.join(os.path.dirname(__file__), "special.json"), "w") as f:
    json.dump(out, f, indent=0)
    f.write("\n")
