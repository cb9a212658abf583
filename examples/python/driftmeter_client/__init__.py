"""Logs what a model predicts, and later what was true, so that Driftmeter can watch it.

    from driftmeter_client import Client

    client = Client("fraud", version="7")
    client.log_prediction("b1946ac9", features={"age": 41, "region": "EU"}, predictions={"proba": 0.83})
    ...
    client.log_actuals("b1946ac9", {"fraud": True})     # when it is known, here or in another service
    client.shutdown()

There is no protocol of its own: records go by OTLP through OpenTelemetry's log SDK, to the
collector on this machine or that of OTEL_EXPORTER_OTLP_ENDPOINT.
"""

from ._client import BatchError, Client, Stats
from ._fields import InvalidPrediction

__all__ = ["BatchError", "Client", "InvalidPrediction", "Stats"]
