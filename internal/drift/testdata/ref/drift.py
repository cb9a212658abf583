"""Writes ../drift.json: distances and tests computed by SciPy, NumPy and 60-digit decimals.

Run by `make golden`.

Numbers are written by float.hex(), so that no digit is lost; None means that the
measure does not exist for the case. Where SciPy has the function it is used, and
where cancellation would cost it digits the definition is evaluated in decimals.
"""

import itertools
import json
import math
import pathlib
import warnings
from decimal import Decimal, getcontext

import numpy as np
import scipy
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

assert scipy.__version__ == "1.10.1", scipy.__version__
assert np.__version__ == "1.24.4", np.__version__
warnings.simplefilter("ignore")
getcontext().prec = 60
rng = np.random.default_rng(20260311)


def hexed(x):
    if x is None:
        return None
    x = float(x)
    return None if math.isnan(x) else x.hex()


# --- measures on counts -----------------------------------------------------

def shares(counts, floor=0, alpha=0, used=None):
    """Decimal shares of the used bins."""
    counts = [c for c, u in zip(counts, used) if u]
    total = Decimal(sum(counts)) + Decimal(alpha) * len(counts)
    return [max(Decimal(floor), (Decimal(c) + Decimal(alpha)) / total) for c in counts]


def psi(p, q):
    if any((a == 0) != (b == 0) for a, b in zip(p, q)):
        return math.inf
    return sum((b - a) * (b / a).ln() for a, b in zip(p, q) if a)


def kl(p, q):
    """KL(q, p)."""
    if any(a == 0 and b for a, b in zip(p, q)):
        return math.inf
    return max(Decimal(0), sum((b * (b / a).ln() for a, b in zip(p, q) if b), Decimal(0)))


def kl_evidently(p, q):
    """KL(p, q) as Evidently has it: scipy.stats.entropy renormalises the floored shares."""
    p, q = [a / sum(p) for a in p], [b / sum(q) for b in q]
    exact = kl(q, p)
    assert abs(stats.entropy([float(a) for a in p], [float(b) for b in q]) - float(exact)) < 1e-12
    return exact


def js_divergence(p, q):
    total = Decimal(0)
    for a, b in zip(p, q):
        m = (a + b) / 2
        total += a * (a / m).ln() if a else 0
        total += b * (b / m).ln() if b else 0
    return total / 2 / Decimal(2).ln()


def merged(table, least):
    """Joins the two rarest columns until 80 % of the cells expect least and none a fifth of it."""
    columns = [(int(a), int(b), i) for i, (a, b) in enumerate(table.T)]
    rows = table.sum(axis=1)
    while len(columns) > 1:
        expected = np.outer(rows, [a + b for a, b, _ in columns]) / table.sum()
        if (expected >= least).mean() >= 0.8 and (expected >= least / 5).all():
            break
        columns.sort(key=lambda c: (c[0] + c[1], c[2]))
        a, b = columns[:2]
        columns[:2] = [(a[0] + b[0], a[1] + b[1], min(a[2], b[2]))]
    return np.array([c[:2] for c in columns], dtype=float).T


def chi2(table, **options):
    if table.shape[1] < 2:
        return {"stat": hexed(0), "p": hexed(1), "df": 0, "columns": table.shape[1]}
    stat, p, df, _ = stats.chi2_contingency(table, **options)
    return {"stat": hexed(stat), "p": hexed(p), "df": int(df), "columns": table.shape[1]}


def g(table, yates):
    """SciPy's log-likelihood statistic, from exact observed and expected counts."""
    if table.shape[1] < 2:
        return chi2(table)
    rows = [[Decimal(int(x)) for x in row] for row in table]
    n, total = [sum(row) for row in rows], Decimal(0)
    for a, b in zip(*rows):
        for o, size in ((a, n[0]), (b, n[1])):
            e = (a + b) * size / sum(n)
            if yates and len(rows[0]) == 2:
                o += min(Decimal("0.5"), abs(e - o)).copy_sign(e - o)
            total += 2 * o * (o / e).ln() if o else 0
    scipys = stats.chi2_contingency(table, correction=yates, lambda_="log-likelihood")[0]
    assert sum(n) > 2**50 or abs(scipys - float(total)) < 1e-8, (scipys, total)
    df = len(rows[0]) - 1
    return {"stat": hexed(total), "p": hexed(stats.chi2.sf(float(total), df)), "df": df, "columns": df + 1}


def cramers_v(table, corrected):
    if table.shape[1] < 2:
        return 0.0
    n, columns = table.sum(), table.shape[1]
    phi2 = stats.chi2_contingency(table, correction=False)[0] / n
    if not corrected:
        return math.sqrt(phi2)
    phi2 = max(0, phi2 - (columns - 1) / (n - 1))
    b, two = columns - (columns - 1) ** 2 / (n - 1), 2 - 1 / (n - 1)
    return math.sqrt(phi2 / min(b - 1, two - 1)) if min(b, two) > 1 else 0.0


def ranks(x, y):
    """Rank tests of two samples; None where SciPy refuses."""
    out = {"cvm": None, "cvm_p": None, "ad": None, "ad_p": None}
    if len(set(x) | set(y)) < 2:
        return out
    if min(len(x), len(y)) > 1:
        r = stats.cramervonmises_2samp(x, y, method="asymptotic")
        n, m = len(x), len(y)
        p, q = (np.unique(v, return_counts=True)[1] / len(v) for v in (x, y))
        # What the statistic is without any difference between the sides, for n != m.
        ties = (n - m) / 12 * (n / m * (p**3).sum() - m / n * (q**3).sum())
        assert ties or abs(cvm_p(r.statistic, n, m) - r.pvalue) < 2e-7
        out["cvm"], out["cvm_p"] = hexed(r.statistic), hexed(cvm_p(r.statistic - ties, n, m))
    if len(x) + len(y) > 3:
        r = stats.anderson_ksamp([x, y])
        out["ad"], out["ad_p"] = hexed(r.statistic), hexed(r.pvalue)
    return out


def cvm_p(t, n, m):
    """SciPy's p-value with its series run to the end: SciPy stops at terms of 1e-7."""
    N = n + m
    et = (1 + 1 / N) / 6
    vt = (N + 1) * (4 * n * m * N - 3 * (n**2 + m**2) - 2 * n * m) / (45 * N**2 * 4 * n * m)
    x = 1 / 6 + (t - et) / math.sqrt(45 * vt)
    if x < 0.003:
        return 1.0
    total = 0.0
    for k in itertools.count():
        y = 4 * k + 1
        if y * y > 700 * x:
            break
        u = math.exp(special.gammaln(k + 0.5) - special.gammaln(k + 1)) / (math.pi**1.5 * math.sqrt(x))
        total += u * math.sqrt(y) * math.exp(-y * y / (16 * x)) * special.kv(0.25, y * y / (16 * x))
    return max(0.0, 1 - total)


def on_counts(name, ref, cur):
    ref, cur = [int(x) for x in ref], [int(x) for x in cur]
    row = {"name": name, "ref": ref, "cur": cur}
    if not sum(ref) or not sum(cur):
        return row | {"empty": "empty_reference" if not sum(ref) else "empty_current"}
    used = [bool(a or b) for a, b in zip(ref, cur)]
    n, m = sum(ref), sum(cur)
    raw = shares(ref, used=used), shares(cur, used=used)
    floored = shares(ref, "0.0001", used=used), shares(cur, "0.0001", used=used)
    smooth = shares(ref, 0, "0.5", used), shares(cur, 0, "0.5", used)
    laplace = shares(ref, 0, 1, used), shares(cur, 0, 1, used)
    every = [True] * len(ref)
    kept = shares(ref, 0, 1, every), shares(cur, 0, 1, every)
    p, q = raw
    scipys = jensenshannon(np.array(ref, float), np.array(cur, float), base=2) ** 2
    exact = js_divergence(p, q)
    assert math.isnan(scipys) or abs(float(exact) - scipys) < 1e-14, (name, exact, scipys)
    row |= {
        "psi": hexed(psi(*floored)), "psi_none": hexed(psi(*raw)),
        "psi_smoothed": hexed(psi(*smooth)), "psi_laplace": hexed(psi(*laplace)), "psi_kept": hexed(psi(*kept)),
        "kl": hexed(kl(*floored)), "kl_reversed": hexed(kl_evidently(*floored)), "kl_none": hexed(kl(*raw)),
        "js_divergence": hexed(exact), "js": hexed(exact.sqrt()),
        "hellinger": hexed((sum((a.sqrt() - b.sqrt()) ** 2 for a, b in zip(p, q)) / 2).sqrt()),
        "total_variation": hexed(sum(abs(a - b) for a, b in zip(p, q)) / 2),
        "l_infinity": hexed(max(abs(a - b) for a, b in zip(p, q))),
    }
    edges = [abs(sum(p[: i + 1]) - sum(q[: i + 1])) for i in range(len(p))]
    d, e = float(max(edges)), 1 / (1 / n + 1 / m)
    t = (math.sqrt(e) + 0.12 + 0.11 / math.sqrt(e)) * d
    row |= {"ks": hexed(d), "ks_p": hexed(special.kolmogorov(t))}

    table = np.array([[a for a, u in zip(ref, used) if u], [b for b, u in zip(cur, used) if u]], dtype=float)
    safe = merged(table, 5)
    row |= {
        "chi2": chi2(table, correction=False), "chi2_yates": chi2(table, correction=True),
        "chi2_merged": chi2(safe, correction=False),
        "g": g(table, False), "g_yates": g(table, True),
        "cramers_v": hexed(cramers_v(table, False)), "cramers_v_corrected": hexed(cramers_v(table, True)),
    }
    if n + m <= 20000:
        row |= ranks(np.repeat(np.arange(len(ref)), ref), np.repeat(np.arange(len(cur)), cur))
    return row


few = [60, 25, 10, 5]
huge = 2**53 - 1
deciles = rng.multinomial(5000, [0.1] * 10)
zipf = np.arange(1, 41) ** -1.3
zipf /= zipf.sum()
counts = {
    "identical": ([50, 50], [50, 50]),
    "proportional": ([50, 30, 20], [150, 90, 60]),
    "disjoint": ([100, 0], [0, 100]),
    "disjoint, many bins": ([10, 20, 30, 0, 0, 0], [0, 0, 0, 5, 25, 70]),
    "empty reference": ([0, 0], [3, 4]),
    "empty current": ([3, 4], [0, 0]),
    "both empty": ([0, 0, 0], [0, 0, 0]),
    "one bin": ([17], [23]),
    "one value a side, same": ([0, 1, 0], [0, 1, 0]),
    "one value a side, apart": ([0, 1, 0], [0, 0, 1]),
    "empty bins on both sides": ([0, 30, 70, 0, 0], [0, 10, 90, 0, 0]),
    "zero bins here and there": ([0, 30, 70, 0, 12], [10, 0, 90, 0, 0]),
    "new category": ([955, 1045, 0], [750, 700, 50]),
    "vanished category": ([900, 1000, 100], [750, 750, 0]),
    "constant against shift": ([0, 500, 0], [0, 400, 100]),
    "share below the floor": ([99999, 1], [500, 3]),
    "huge counts": ([huge, 1], [1, huge]),
    "huge and even": ([huge, huge], [huge, huge]),
    "huge, one apart": ([huge, huge - 1], [huge - 1, huge]),
    "huge beside tiny": ([huge // 2, huge // 2, 1], [3, 4, 5]),
    "two by two": ([1400, 600], [975, 525]),
    "two by two, small": ([3, 3], [6, 0]),
    "two by two, within half": ([50, 50], [52, 49]),
    "two by two, unequal": ([700000, 300000], [13, 9]),
    "nearly equal": ([1000000, 2000000, 3000000], [1000001, 2000000, 2999999]),
    "deciles, same": (deciles, rng.multinomial(3000, [0.1] * 10)),
    "deciles, shifted": (deciles, rng.multinomial(2000, np.linspace(0.05, 0.15, 10))),
    "deciles, small": (deciles, rng.multinomial(30, [0.1] * 10)),
    "deciles, tiny": (rng.multinomial(12, [0.1] * 10), rng.multinomial(9, np.linspace(0.02, 0.18, 10))),
    "rare columns": ([500, 300, 3, 2, 2, 1, 1, 1, 0, 0], [250, 160, 1, 3, 0, 0, 2, 0, 1, 1]),
    "all rare": ([1] * 30, [1] * 15 + [0] * 15),
    "equally rare, tied": ([4, 0, 2, 1, 3, 200], [0, 4, 2, 3, 1, 100]),
    "one column below one": ([500] * 9 + [8], [50] * 9 + [0]),
    "zipf": (rng.multinomial(8000, zipf), rng.multinomial(900, zipf)),
    "zipf, turned": (rng.multinomial(8000, zipf), rng.multinomial(900, np.roll(zipf, 1))),
    "very unequal sizes": (rng.multinomial(15000, [0.2] * 5), rng.multinomial(40, [0.2] * 5)),
}

# --- measures on values -----------------------------------------------------


def on_values(name, x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    discrete = set(y) <= set(x)
    with np.errstate(all="ignore"):
        sd = x.std()
        row = {
            "name": name, "discrete": discrete,
            "ref": [hexed(v) for v in x], "cur": [hexed(v) for v in y],
            "ks": hexed(stats.ks_2samp(x, y).statistic),
            "ks_p_exact": hexed(stats.ks_2samp(x, y, method="exact").pvalue),
            "ks_p_asymptotic": hexed(stats.ks_2samp(x, y, method="asymp").pvalue),
            "wasserstein": hexed(stats.wasserstein_distance(x, y)),
            "energy": hexed(stats.energy_distance(x, y)),
            "mean_shift": hexed((y.mean() - x.mean()) / sd) if sd > 0 else None,
        }
    return row | ranks(x, y)


# "discrete" where every value occurs in the reference, so that the grid has no
# other bins than the values.
values = {
    "normal": (rng.normal(size=300), rng.normal(0.4, 1.1, 200)),
    "normal, same": (rng.normal(size=300), rng.normal(size=300)),
    "lognormal": (rng.lognormal(size=300), rng.lognormal(0.2, 1, 250)),
    "heavy tails": (rng.standard_t(2, 250), 1.5 * rng.standard_t(2, 250)),
    "large offset": (1e9 + rng.normal(size=200), 1e9 + rng.normal(0.3, 1, 200)),
    "disjoint": (rng.uniform(0, 1, 100), rng.uniform(2, 3, 120)),
    "twelve and nine": (rng.normal(size=12), rng.normal(1, 1, 9)),
    "integers, some new": (rng.poisson(6, 300), 2 * rng.poisson(4, 200)),
    "constant against shift": (np.full(50, 3.0), np.repeat([3.0, 4.0], [40, 10])),
    "integers": (rng.poisson(6, 300).clip(2, 11), rng.poisson(6.6, 200).clip(2, 11)),
    "integers, same size": (rng.poisson(6, 200).clip(2, 11), rng.poisson(6.6, 200).clip(2, 11)),
    "zeros and tail": (np.where(rng.random(200) < 0.5, 0, rng.integers(1, 12, 200)),
                       np.where(rng.random(150) < 0.4, 0, rng.integers(1, 12, 150))),
    "two values": (rng.integers(0, 2, 200), rng.integers(0, 2, 100)),
    "constant": (np.full(50, 3.0), np.full(40, 3.0)),
    "huge values": (1e300 * rng.integers(-7, 5, 150), 1e300 * rng.integers(-5, 5, 150)),
    "tiny values": (1e-300 * rng.integers(-7, 7, 150), 1e-300 * rng.integers(-4, 7, 150)),
    "large integers": (2.0**52 + rng.integers(0, 9, 120), 2.0**52 + rng.integers(2, 9, 100)),
    "signed zeros": (np.repeat([-0.0, 0.0, 1.0, -1.0], [30, 30, 40, 1]), np.repeat([0.0, -1.0, 1.0], [50, 10, 20])),
}

out = {
    "made_by": f"drift.py, scipy {scipy.__version__}, numpy {np.__version__}",
    "counts": [on_counts(name, *sides) for name, sides in counts.items()],
    "values": [on_values(name, *sides) for name, sides in values.items()],
    "anderson_fit": [hexed(c) for c in np.polyfit(
        np.array([0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085])
        + np.array([-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615])
        + np.array([-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154]),
        np.log([0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001]), 2)],
    # Quantiles that the noise floors rest on: chi-square at .999 and .99 by
    # degrees of freedom.
    "quantiles": [{"df": df, "p": p, "chi2": hexed(stats.chi2.ppf(p, df))}
                  for df in (1, 2, 9, 19, 49, 999, 20000) for p in (0.95, 0.99, 0.999)],
}
path = pathlib.Path(__file__).parent.parent / "drift.json"
lines = ",\n".join(json.dumps(k) + ": " + (
    "[\n" + ",\n".join(json.dumps(r) for r in v) + "\n]" if isinstance(v, list) else json.dumps(v))
    for k, v in out.items())
path.write_text("{\n" + lines + "\n}\n")
print(path, len(out["counts"]), "count rows,", len(out["values"]), "value rows")
