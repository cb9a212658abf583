"""Sends a house-price model's training set, predictions and, later, the prices that were paid.

    driftmeter --config config.yaml &
    python send.py
"""

import time

import numpy as np
import pandas as pd

from driftmeter_client import Client

rng = np.random.default_rng(7)


def houses(n: int, area: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "area": rng.normal(area, 25, n),
            "rooms": pd.array(rng.integers(1, 6, n), dtype="Int64"),
            "city": pd.Categorical(rng.choice(["Lyon", "Graz", "Porto"], n)),
            "view": list(rng.random((n, 8), dtype=np.float32)),  # an embedding of a photo
        }
    )


def model(h: pd.DataFrame) -> pd.Series:
    return (3000 * h["area"]).rename("price")


def paid(h: pd.DataFrame) -> pd.Series:
    return (3000 * h["area"] + rng.normal(0, 20_000, len(h))).rename("price")


with Client("house_prices", version="2") as client:
    # What the model was trained on becomes its reference.
    training = houses(2000, area=100)
    client.log_training_set(training, model(training), paid(training))

    # What it is asked: houses are larger. The window of ten minutes ago is over.
    window = 300
    start = time.time() // window * window - 2 * window
    served = houses(1000, area=140)
    ids = client.log_frame(served.iloc[:999], model(served).iloc[:999], times=start + np.arange(999) * 0.2)

    # In a service predictions are logged one by one.
    house = served.iloc[999]
    ids.append(client.log_prediction(features=house, predictions={"price": 3000 * house["area"]}, time=start + 200))

    # What was true is joined by id, whenever it comes.
    client.log_actuals_frame(paid(served), ids)

print(f"sent {client.stats.sent} records")
