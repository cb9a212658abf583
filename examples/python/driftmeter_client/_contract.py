"""The names of the prediction log and the limits of one record (internal/contract of Driftmeter)."""

PREFIX = "ml."

PREDICTION = "ml.prediction"
ACTUAL = "ml.actual"
REFERENCE = "ml.reference"

MODEL_NAME = "model.name"
MODEL_VERSION = "model.version"
PREDICTION_ID = "prediction.id"
DATASET = "dataset"
REFERENCE_COMPLETE = "reference.complete"
TRAINING = "training"
TEST = "test"
ENVIRONMENT = "deployment.environment.name"

FEATURES = "features"
RAW_INPUTS = "raw_inputs"
PREDICTIONS = "predictions"
ACTUALS = "actuals"
EXPLANATIONS = "explanations"
METRICS = "metrics"

MAX_FIELDS = 2000
MAX_NAME = 256
MAX_TEXT = 65536
MAX_ID = 256
MAX_MEMBERS = 16384
