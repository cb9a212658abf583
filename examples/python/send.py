"""Sends a house-price model's predictions to Driftmeter with OpenTelemetry's SDK.

    pip install -r requirements.txt
    driftmeter --config config.yaml &
    python send.py localhost:4317
"""

import random
import sys
import time

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

endpoint = sys.argv[1] if len(sys.argv) > 1 else "localhost:4317"

# The resource names the service; ml.model.name could stand in the records instead.
provider = LoggerProvider(Resource({"service.name": "house_prices", "service.version": "2"}))
provider.add_log_record_processor(
    BatchLogRecordProcessor(OTLPLogExporter(endpoint=endpoint, insecure=True), max_queue_size=10_000)
)
logger = provider.get_logger("house_prices")

rng = random.Random(7)
window = 300  # seconds
start = int(time.time()) // window * window - 3 * window

for i in range(1500):
    # The first 500 become the reference; from the second window on houses are larger.
    at = start + (0 if i < 500 else window) + i % 200
    area = rng.gauss(100 if i < 500 else 140, 25)
    price = 3000 * area + rng.gauss(0, 20_000)
    logger.emit(
        event_name="ml.prediction",
        timestamp=at * 1_000_000_000 + i,
        attributes={
            "ml.prediction.id": str(i),
            "ml.features.area": area,
            "ml.features.city": rng.choice(["Lyon", "Graz", "Porto"]),
            "ml.predictions.price": 3000.0 * area,
            "ml.actuals.price": price,
        },
    )

provider.shutdown()  # sends what is queued
print("sent 1500 predictions")
