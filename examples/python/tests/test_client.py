"""What is logged becomes the records of the contract; mistakes are told; nothing is lost in silence."""

import datetime as dt
import decimal
import enum
import math
import os
import threading
import uuid

import numpy as np
import pandas as pd
import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor

from driftmeter_client import BatchError, Client, InvalidPrediction


class Gate(InMemoryLogRecordExporter):
    """An exporter that waits until it is opened, and fails if it is told to."""

    def __init__(self):
        super().__init__()
        self.entered, self.open, self.fail = threading.Event(), threading.Event(), False

    def export(self, batch):
        self.entered.set()
        self.open.wait()
        if self.fail:
            return LogRecordExportResult.FAILURE
        return super().export(batch)


@pytest.fixture
def memory():
    return InMemoryLogRecordExporter()


@pytest.fixture
def client(memory):
    with Client("loans", "7", environment="production", exporter=memory) as c:
        yield c


def sent(client, memory):
    """The events that were sent, with the attributes that are not the model's."""
    assert client.flush() == 0
    records = [r.log_record for r in memory.get_finished_logs()]
    return [(r.event_name, {k.removeprefix("ml."): v for k, v in r.attributes.items() if not k.startswith("ml.model.")}) for r in records]


def test_records(client, memory):
    at = dt.datetime(2026, 11, 1, 12, tzinfo=dt.timezone.utc)
    id = client.log_prediction("a1", features={"age": 41, "region": "EU"}, predictions={"proba": 0.83}, metrics={"latency_ms": 12}, time=at)
    made = client.log_prediction(features={"age": 1}, raw_inputs={"note": "hi"}, explanations={"age": 0.5}, actuals={"fraud": None, "x": math.nan, "ok": True})
    client.log_actuals("a1", {"fraud": True})
    client.log_raw_inputs("a1", {"note": "late"})
    assert id == "a1" and len(made) == 32
    assert sent(client, memory) == [
        ("ml.prediction", {"prediction.id": "a1", "features.age": 41, "features.region": "EU", "predictions.proba": 0.83, "metrics.latency_ms": 12}),
        ("ml.prediction", {"prediction.id": made, "features.age": 1, "raw_inputs.note": "hi", "actuals.ok": True, "explanations.age": 0.5}),
        ("ml.actual", {"prediction.id": "a1", "actuals.fraud": True}),
        ("ml.actual", {"prediction.id": "a1", "raw_inputs.note": "late"}),
    ]
    first = memory.get_finished_logs()[0]
    assert first.log_record.timestamp == int(at.timestamp()) * 10**9
    assert first.log_record.attributes["ml.model.name"] == "loans" and first.log_record.attributes["ml.model.version"] == "7"
    assert first.resource.attributes["deployment.environment.name"] == "production"
    assert client.stats.sent == client.stats.logged == 4


class Color(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value, want",
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.datetime64("2026-11-01T12:00:00.000000001"), "2026-11-01T12:00:00Z"),
        (pd.Timestamp("2026-11-01 13:00", tz="Europe/Berlin"), "2026-11-01T12:00:00Z"),
        (dt.datetime(2026, 11, 1, 12), "2026-11-01T12:00:00Z"),
        (dt.date(2026, 11, 1), "2026-11-01"),
        (decimal.Decimal("1.5"), 1.5),
        (Color.RED, "red"),
        (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (np.array([0.5, 1], dtype=np.float32), (0.5, 1.0)),
        ([1, "b", None], (1, "b", math.nan)),
        ({"a": np.float64(0.5), 7: 1}, {"a": 0.5, "7": 1}),
        (math.inf, math.inf),
    ],
)
def test_values(client, memory, value, want):
    client.log_prediction("1", features={"x": value})
    got = sent(client, memory)[0][1]["features.x"]
    assert got == want or repr(got) == repr(want)


@pytest.mark.parametrize("missing", [None, pd.NA, pd.NaT, np.datetime64("NaT")])
def test_missing_values_are_left_out(client, memory, missing):
    client.log_prediction("1", features={"x": missing, "y": 1})
    assert sent(client, memory)[0][1] == {"prediction.id": "1", "features.y": 1}


@pytest.mark.parametrize(
    "arguments, problem",
    [
        ({"id": ""}, "id has 0 bytes; it may have 1 to 256"),
        ({"id": 5}, "id is a int; it must be str"),
        ({"id": "x" * 257}, "id has 257 bytes"),
        ({"features": None}, "the record has no field"),
        ({"features": 5}, "features is a int; give a dict, or a row of a data frame"),
        ({"features": {3: 1}}, "features.3 has a name of type int"),
        ({"features": {"": 1}}, "features. has a name of 0 bytes"),
        ({"features": {"x": object()}}, "features.x is a object; a field holds a number"),
        ({"features": {"x": b"1"}}, "features.x is bytes; send text"),
        ({"features": {"x": {1, 2}}}, "features.x is a set; a field holds"),
        ({"features": {"x": 1j}}, "features.x is a complex; a field holds"),
        ({"features": {"x": 2**63}}, "more than OTLP's integers hold"),
        ({"features": {"x": [[1]]}}, "features.x holds a list at 0; lists and dicts hold"),
        ({"features": {"x": {"a": {}}}}, "features.x holds a dict at 'a'"),
        ({"features": {"x": np.zeros((2, 2))}}, "features.x has 2 dimensions; an embedding or array has one"),
        ({"features": {"x": "x" * 65537}}, "features.x has 65537 bytes; the limit is 65536"),
        ({"features": {"x": [0] * 16385}}, "features.x has 16385 elements; the limit is 16384"),
        ({"features": {f"x{i}": 1 for i in range(2001)}}, "has 2001 fields; the limit is 2000"),
        ({"features": {"x": 1}, "time": "now"}, "time is a str; give a datetime, or seconds since 1970"),
        ({"features": {"x": 1}, "time": 1.7e12}, "time is 1700000000000.0; give seconds"),
    ],
)
def test_mistakes(client, memory, arguments, problem):
    with pytest.raises(InvalidPrediction) as e:
        client.log_prediction(**{"id": "1", "features": {"x": 1}} | arguments)
    assert problem in str(e.value)
    assert sent(client, memory) == []


def test_mistakes_of_others(client):
    for call, problem in [
        (lambda: client.log_actuals("", {"x": 1}), "an actual needs the id"),
        (lambda: client.log_actuals("1", {"x": None}), "the record has no field"),
        (lambda: Client(""), "model is empty"),
        (lambda: Client("m", 7), "version is a int"),
        (lambda: Client("m", attribute_prefix=""), "leaves nothing"),
        (lambda: Client("m", queue_size=0), "holds no record"),
        (lambda: Client("m", logger_provider=LoggerProvider(), environment="x"), "matters of the provider"),
        (lambda: client.log_training_set([]), "the set has no rows"),
        (lambda: client.log_training_set([{"x": 1}, {"x": b""}]), "row 1: features.x is bytes"),
        (lambda: client.log_training_set([{"x": 1}], [{"p": 1}, {"p": 2}]), "features has 1 rows, and predictions has more"),
        (lambda: client.log_frame(pd.DataFrame([[1, 2]], columns=["a", "a"])), "features.a is the name of two columns"),
        (lambda: client.log_frame({"a": [1]}), "features is a dict; give a data frame"),
        (lambda: client.log_actuals_frame(pd.DataFrame({"a": [1]}), None), "needs the id"),
    ]:
        with pytest.raises(ValueError) as e:
            call()
        assert problem in str(e.value)


def test_frame(client, memory):
    """Each type of column arrives as what it is, and integers beside floats stay integers."""
    features = pd.DataFrame(
        {
            "age": pd.array([41, None], dtype="Int64"),
            "income": [38_000.0, math.nan],
            "region": pd.Categorical(["EU", None]),
            "code": pd.Categorical([7, 8]),
            "since": pd.to_datetime(["2026-11-01 12:00", None]).tz_localize("UTC"),
            "employed": [True, False],
            "flag": pd.array([True, None], dtype="boolean"),
            "name": pd.array(["a", None], dtype="string"),
            "vector": [np.array([0.5, 1.0]), [2, 3]],
            "count": np.array([1, 2], dtype=np.uint8),
        }
    )
    predictions = pd.Series([0.25, 0.75], name="proba")
    actuals = pd.DataFrame({"fraud": pd.array([True, None], dtype="boolean")})
    ids = client.log_frame(features, predictions, actuals=actuals, ids=pd.Series([1, 2]), times=pd.to_datetime(["2026-11-01", "2026-11-02"]))
    assert ids == ["1", "2"]
    first, second = (a for _, a in sent(client, memory))
    assert first == {
        "prediction.id": "1", "features.age": 41, "features.income": 38_000.0, "features.region": "EU", "features.code": 7,
        "features.since": "2026-11-01T12:00:00Z", "features.employed": True, "features.flag": True, "features.name": "a",
        "features.vector": (0.5, 1.0), "features.count": 1, "predictions.proba": 0.25, "actuals.fraud": True,
    }  # fmt: skip
    assert math.isnan(second.pop("features.income")) and math.isnan(second.pop("features.region"))
    assert second == {
        "prediction.id": "2", "features.code": 8, "features.employed": False, "features.vector": (2, 3), "features.count": 2,
        "predictions.proba": 0.75,
    }  # fmt: skip
    assert [type(first["features." + k]) for k in ("age", "code", "count", "employed")] == [int, int, int, bool]
    times = [r.log_record.timestamp for r in memory.get_finished_logs()]
    assert times[1] - times[0] == 86400 * 10**9
    memory.clear()
    client.log_prediction("3", features=features.iloc[0], predictions={"proba": 1})
    client.log_actuals_frame(actuals.iloc[:1], ids=np.array(["1"]))
    (_, row), (event, actual) = sent(client, memory)
    assert row["features.vector"] == (0.5, 1.0) and row["features.region"] == "EU"
    assert (event, actual) == ("ml.actual", {"prediction.id": "1", "actuals.fraud": True})


def test_batch(client, memory):
    """What is wrong with one row does not keep the others."""
    rows = [{"id": "1", "features": {"x": 1}}, {"id": "2", "features": {"x": b""}}, {"features": {"x": 3}}, {"id": "4", "inputs": {}}]
    with pytest.raises(BatchError, match="2 of 4 rows are wrong and were left out: row 1: features.x is bytes") as e:
        client.log_batch(rows)
    assert sorted(e.value.errors) == [1, 3] and "inputs is no part of a row" in str(e.value.errors[3])
    assert client.log_batch([{"features": {"x": 5}}, {"id": "6", "features": {"x": 6}}])[1] == "6"
    client.log_actuals_batch([{"id": "1", "actuals": {"y": 1}}])
    assert [a["features.x"] for e, a in sent(client, memory) if e == "ml.prediction"] == [1, 3, 5, 6]


def test_training_set_is_complete_with_its_last_row(memory):
    """A set that is larger than the queue arrives whole."""
    with Client("loans", exporter=memory, queue_size=7) as client:
        frame = pd.DataFrame({"x": range(300)})
        assert client.log_training_set(frame, predictions=pd.Series([0.5] * 300, name="p"), actuals=({"y": i % 2} for i in range(300))) == 300
        assert client.log_test_set([{"x": 1}]) == 1
        got = sent(client, memory)
        assert client.stats.dropped == 0
    assert len(got) == 301
    assert got[0] == ("ml.reference", {"dataset": "training", "features.x": 0, "predictions.p": 0.5, "actuals.y": 0})
    assert got[299][1] == {"dataset": "training", "reference.complete": True, "features.x": 299, "predictions.p": 0.5, "actuals.y": 1}
    assert got[300][1] == {"dataset": "test", "reference.complete": True, "features.x": 1}
    assert memory.get_finished_logs()[0].log_record.timestamp is None


def test_many_fields_become_maps(client, memory):
    client.log_prediction("1", features={f"x{i}": i for i in range(150)}, predictions={"p": 1.0})
    got = sent(client, memory)[0][1]
    assert sorted(got) == ["features", "prediction.id", "predictions"]
    assert len(got["features"]) == 150 and got["features"]["x149"] == 149 and got["predictions"] == {"p": 1.0}


def test_full_queue_drops_and_tells():
    gate, told = Gate(), []
    client = Client("loans", exporter=gate, queue_size=4, on_loss=lambda n, why: told.append((n, why)))
    client.log_prediction("0", features={"x": 0})
    flush = threading.Thread(target=client.flush)
    flush.start()
    gate.entered.wait()
    for i in range(1, 7):
        client.log_prediction(str(i), features={"x": i})
    assert (client.stats.queued, client.stats.dropped, client.stats.logged) == (4, 3, 4)
    assert client.flush(timeout=0) == 4
    gate.open.set()
    assert client.flush() == 0
    flush.join()
    assert client.shutdown() == 0 and client.shutdown() == 0
    assert client.stats.sent == 4 and told == [(3, "the queue of 4 records was full; see queue_size")]
    with pytest.raises(RuntimeError, match="has been shut down"):
        client.log_prediction("9", features={"x": 1})


def test_failed_export_is_counted_and_told():
    gate, told = Gate(), []
    gate.fail = True
    gate.open.set()
    with Client("loans", exporter=gate, on_loss=lambda n, why: told.append(n)) as client:
        client.log_prediction("0", features={"x": 0})
        assert client.flush() == 0
        with pytest.raises(ConnectionError, match="1 of 1 rows of the set did not arrive"):
            client.log_training_set([{"x": 1}])
        assert client.stats.failed == 2 and told == [1, 1]


def test_shutdown_without_time_says_what_is_left():
    gate = Gate()
    client = Client("loans", exporter=gate)
    client.log_prediction("0", features={"x": 0})
    assert client.shutdown(timeout=0.01) == 1
    gate.open.set()


def test_callers_provider(memory):
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    with Client("loans", logger_provider=provider, attribute_prefix="x.") as client:
        client.log_prediction("1", features={"a": 1})
        assert client.log_training_set([{"a": 1}]) == 1
    provider.get_logger("after").emit(event_name="still")
    got = [r.log_record for r in memory.get_finished_logs()]
    assert [r.event_name for r in got] == ["ml.prediction", "ml.reference", "still"]
    assert dict(got[0].attributes) == {"x.model.name": "loans", "x.prediction.id": "1", "x.features.a": 1}


def test_many_threads(memory):
    client = Client("loans", exporter=memory, queue_size=50, on_loss=lambda n, why: None)

    def work():
        for i in range(200):
            client.log_prediction(features={"x": i})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert client.shutdown() == 0
    s = client.stats
    assert s.logged + s.dropped == 1600 and s.sent == s.logged == len(memory.get_finished_logs()) and s.queued == 0


def test_unknown_protocol_is_told(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    with pytest.raises(ValueError, match="http/json is not here; known: http/protobuf, grpc"):
        Client("m")


def test_fork(client, memory):
    """A forked worker has a queue of its own, and sends what it logs."""
    client.log_prediction("1", features={"x": 1})
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        client.log_prediction("2", features={"x": 2})
        left = client.flush(10)
        s = client.stats
        os.write(write, f"{left} {s.logged} {s.sent}".encode())
        os._exit(0)
    os.close(write)
    assert os.read(read, 100) == b"0 1 1"
    assert os.waitpid(pid, 0)[1] == 0
    assert len(sent(client, memory)) == 1
