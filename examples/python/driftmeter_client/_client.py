"""The client."""

from __future__ import annotations

import datetime
import logging
import os
import threading
import time as clock
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from opentelemetry._logs import LoggerProvider as APILoggerProvider
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource

from . import _contract as contract
from . import _frames as frames
from ._fields import InvalidPrediction, add_group
from ._queue import BoundedExporter

log = logging.getLogger("driftmeter_client")

# Providers keep 128 attributes of a record, and drop the oldest beyond: that is the model's name. A record with more
# fields has an attribute for each group.
MAX_FLAT = 100

DEFAULT_QUEUE = 8192

Fields = Mapping[str, Any]
"""Fields by name; a row of a data frame (a Series) will do, too."""

Time = datetime.datetime | float | None
"""A time, or seconds since 1970. A datetime without a zone is in UTC. None is now."""


@dataclass(frozen=True)
class Stats:
    """What became of the records so far."""

    logged: int
    """accepted"""
    sent: int
    """acknowledged by the collector"""
    failed: int
    """given up by the exporter"""
    dropped: int
    """not accepted, because the queue was full"""
    queued: int
    """waiting, or under way"""


class BatchError(ValueError):
    """Some rows of a batch were wrong. The others are logged."""

    def __init__(self, errors: dict[int, InvalidPrediction], rows: int) -> None:
        first = ", ".join(f"row {i}: {e}" for i, e in list(errors.items())[:3])
        super().__init__(f"{len(errors)} of {rows} rows are wrong and were left out: {first}")
        self.errors = errors
        """by the number of the row, from 0"""


class Client:
    """Logs the predictions of one version of a model. It may be used by many threads, and across a fork.

    Args:
        model: the model's name.
        version: any text; the service's version, else ``default``, if it is empty.
        environment: of all records, such as ``production``.
        exporter: sends the records; by default that of OTLP that OTEL_EXPORTER_OTLP_PROTOCOL names, to where
            OTEL_EXPORTER_OTLP_ENDPOINT says.
        logger_provider: a provider that the service has already. Its resource, queue and limits are its own: the
            client cannot tell what it drops, and leaves it running.
        queue_size: the most records that wait to be sent or are being sent; OTEL_BLRP_MAX_QUEUE_SIZE, else 8192.
        on_loss: told how many records are lost, and why. It is called by a thread of the client, and must not
            call it back. By default a warning is logged.
        attribute_prefix: begins the attributes, as ``attribute_prefix`` of the collector.
    """

    def __init__(
        self,
        model: str,
        version: str = "",
        *,
        environment: str = "",
        exporter: LogRecordExporter | None = None,
        logger_provider: APILoggerProvider | None = None,
        queue_size: int | None = None,
        on_loss: Callable[[int, str], None] | None = None,
        attribute_prefix: str = contract.PREFIX,
    ) -> None:
        if not model:
            raise InvalidPrediction("model", "is empty; name the model, as its definition does if it has one")
        for name, value in (("model", model), ("version", version)):
            if not isinstance(value, str):
                raise InvalidPrediction(name, f"is a {type(value).__name__}; it must be str")
            if len(value.encode()) > contract.MAX_ID:
                raise InvalidPrediction(name, f"has {len(value.encode())} bytes; the limit is {contract.MAX_ID}")
        if not attribute_prefix:
            raise ValueError('attribute_prefix="" leaves nothing to tell fields by; the default is "ml."')
        self._prefix = attribute_prefix
        self._model = {attribute_prefix + contract.MODEL_NAME: model}
        if version:
            self._model[attribute_prefix + contract.MODEL_VERSION] = version
        self._closed = False
        self._queue: BoundedExporter | None = None
        self._provider: Any = logger_provider
        if logger_provider is None:
            self._provider = self._own_provider(environment, exporter, queue_size, on_loss or _warn)
        elif exporter is not None or environment or queue_size is not None:
            raise ValueError("logger_provider excludes exporter, environment and queue_size: these are matters of the provider")
        self._logger = self._provider.get_logger("driftmeter_client")

    def _own_provider(self, environment: str, exporter: Any, queue_size: int | None, on_loss: Callable[[int, str], None]) -> LoggerProvider:
        if queue_size is None:
            queue_size = int(os.environ.get("OTEL_BLRP_MAX_QUEUE_SIZE") or DEFAULT_QUEUE)
        if queue_size < 1:
            raise ValueError(f"queue_size={queue_size} holds no record; give at least 1")
        self._queue = BoundedExporter(exporter or _default_exporter(), queue_size, on_loss)
        attributes = {contract.ENVIRONMENT: environment} if environment else {}
        provider = LoggerProvider(Resource.create(attributes), log_record_limits=LogRecordLimits(max_attributes=2 * contract.MAX_FIELDS))
        batch = min(512, queue_size)
        provider.add_log_record_processor(
            BatchLogRecordProcessor(self._queue, max_queue_size=queue_size, max_export_batch_size=int(os.environ.get("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE") or batch))
        )
        return provider

    def log_prediction(
        self,
        id: str | None = None,
        *,
        features: Fields | None = None,
        predictions: Fields | None = None,
        raw_inputs: Fields | None = None,
        actuals: Fields | None = None,
        explanations: Fields | None = None,
        metrics: Fields | None = None,
        time: Time = None,
    ) -> str:
        """Logs one prediction, without waiting, and returns its id: a new one if none is given.

        If the queue is full the prediction is dropped, which ``stats`` counts and ``on_loss`` is told.

        Raises:
            InvalidPrediction: nothing was logged, because the collector would refuse it.
        """
        id = uuid.uuid4().hex if id is None else id
        groups = {
            contract.FEATURES: features, contract.RAW_INPUTS: raw_inputs, contract.PREDICTIONS: predictions,
            contract.ACTUALS: actuals, contract.EXPLANATIONS: explanations, contract.METRICS: metrics,
        }  # fmt: skip
        self._log(contract.PREDICTION, id, groups, time)
        return id

    def log_actuals(self, id: str, actuals: Fields | None = None, *, raw_inputs: Fields | None = None, time: Time = None) -> None:
        """Logs what became known of an earlier prediction, under the names of its outputs.

        It may come from another service, before the prediction, in parts, and again if it was wrong.
        """
        if not id:
            raise InvalidPrediction("id", "is empty; an actual needs the id of its prediction")
        self._log(contract.ACTUAL, id, {contract.RAW_INPUTS: raw_inputs, contract.ACTUALS: actuals}, time)

    def log_raw_inputs(self, id: str, raw_inputs: Fields, *, time: Time = None) -> None:
        """Logs raw inputs of a prediction that were not at hand with it."""
        self.log_actuals(id, raw_inputs=raw_inputs, time=time)

    def log_batch(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Logs many predictions, each a dict of the arguments of log_prediction, and returns their ids.

        Unlike log_prediction it waits while the queue is full.

        Raises:
            BatchError: some were wrong; the others are logged.
        """
        return self._batch(rows, contract.PREDICTION, ("id", "time", *_GROUPS))

    def log_actuals_batch(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Logs many actuals, each a dict of the arguments of log_actuals, as log_batch does predictions."""
        self._batch(rows, contract.ACTUAL, ("id", "time", contract.ACTUALS, contract.RAW_INPUTS))

    def log_frame(
        self,
        features: Any = None,
        predictions: Any = None,
        *,
        raw_inputs: Any = None,
        actuals: Any = None,
        explanations: Any = None,
        metrics: Any = None,
        ids: Any = None,
        times: Any = None,
    ) -> list[str]:
        """Logs a prediction for each row of data frames (or Series) of the same length, and returns their ids.

        ids and times are Series, arrays or lists. Where actuals are missing (NaN, NA, None) they are not known yet.
        """
        groups = dict(zip(_GROUPS, (features, raw_inputs, predictions, actuals, explanations, metrics)))
        return self.log_batch(frames.rows(groups, ids, times))

    def log_actuals_frame(self, actuals: Any, ids: Any, *, raw_inputs: Any = None, times: Any = None) -> None:
        """Logs what became known of the predictions with these ids, a row each."""
        self.log_actuals_batch(frames.rows({contract.ACTUALS: actuals, contract.RAW_INPUTS: raw_inputs}, ids, times, need_ids=True))

    def log_training_set(self, features: Any, predictions: Any = None, actuals: Any = None, *, raw_inputs: Any = None) -> int:
        """Logs the set that the model was trained on, with what the model says of it and what was true: data
        frames, or any iterable of dicts for each group. It waits until all is acknowledged, and returns the number
        of rows.
        """
        return self._reference(contract.TRAINING, features, predictions, actuals, raw_inputs)

    def log_test_set(self, features: Any, predictions: Any = None, actuals: Any = None, *, raw_inputs: Any = None) -> int:
        """Logs a test set, likewise."""
        return self._reference(contract.TEST, features, predictions, actuals, raw_inputs)

    def flush(self, timeout: float = 30) -> int:
        """Waits until what was logged is sent, for so many seconds; returns how many records are not."""
        if not hasattr(self._provider, "force_flush"):
            return 0
        logged = self._queue.logged if self._queue else 0
        # The SDK does not keep to a timeout, so it is waited for in a thread.
        thread = threading.Thread(target=self._provider.force_flush, name="driftmeter-flush", daemon=True)
        thread.start()
        if self._queue:
            return self._queue.wait_for(logged, timeout)
        thread.join(timeout)
        return 0

    def shutdown(self, timeout: float = 30) -> int:
        """Sends what is queued and ends the client; returns how many records could not be sent in time, which are
        lost. A provider of the caller's is flushed and left running.
        """
        if self._closed:
            return 0
        self._closed = True
        left = self.flush(timeout)
        if self._queue:
            # With records left the SDK would wait for as long again.
            end = threading.Thread(target=self._provider.shutdown, name="driftmeter-shutdown", daemon=True)
            end.start()
            if left == 0:
                end.join(timeout)
        return left

    @property
    def stats(self) -> Stats:
        """What became of the records so far; all zero with a provider of the caller's."""
        q = self._queue
        return Stats(q.logged, q.sent, q.failed, q.dropped, q.queued) if q else Stats(0, 0, 0, 0, 0)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shutdown()

    def _batch(self, rows: Iterable[Mapping[str, Any]], event: str, known: tuple[str, ...]) -> list[str]:
        ids: list[str] = []
        errors: dict[int, InvalidPrediction] = {}
        n = 0
        for n, row in enumerate(rows, 1):
            try:
                if unknown := [k for k in row if k not in known]:
                    raise InvalidPrediction(str(unknown[0]), f"is no part of a row; known: {', '.join(known)}")
                id = row.get("id")
                if id is None and event == contract.PREDICTION:
                    id = uuid.uuid4().hex
                if not id:
                    raise InvalidPrediction("id", "is empty; an actual needs the id of its prediction")
                self._log(event, id, {g: row.get(g) for g in _GROUPS}, row.get("time"), wait=True)
                ids.append(id)
            except InvalidPrediction as e:
                errors[n - 1] = e
        if errors:
            raise BatchError(errors, n)
        return ids

    def _reference(self, dataset: str, features: Any, predictions: Any, actuals: Any, raw_inputs: Any) -> int:
        groups = dict(zip(_GROUPS, (features, raw_inputs, predictions, actuals)))
        more: dict[str, Any] = {self._prefix + contract.DATASET: dataset}
        before, n = self.stats.failed, 0
        for row, last in _mark_last(frames.rows(groups, None, None)):
            if last:
                more[self._prefix + contract.REFERENCE_COMPLETE] = True
            try:
                self._log(contract.REFERENCE, None, row, None, more, wait=True)
            except InvalidPrediction as e:
                raise InvalidPrediction(f"row {n}: {e.field}", str(e).removeprefix(e.field + " ")) from None
            n += 1
            if self._queue is None and n % 1000 == 0:
                self.flush()
        if n == 0:
            raise InvalidPrediction("the set", "has no rows")
        while self.flush():
            pass
        if lost := self.stats.failed - before:
            raise ConnectionError(f"{lost} of {n} rows of the set did not arrive; the log says why. Send it again")
        return n

    def _log(self, event: str, id: str | None, groups: Mapping[str, Any], time: Time, more: Fields | None = None, wait: bool = False) -> None:
        if self._closed:
            raise RuntimeError("the client has been shut down")
        attributes: dict[str, Any] = dict(self._model)
        if id is not None:
            attributes[self._prefix + contract.PREDICTION_ID] = _checked_id(id)
        if more:
            attributes.update(more)
        own = len(attributes)
        for group in _GROUPS:
            add_group(attributes, self._prefix, group, groups.get(group))
        count = len(attributes) - own
        if count == 0:
            raise InvalidPrediction("the record", "has no field; give it features, predictions, or actuals that are known")
        if count > contract.MAX_FIELDS:
            raise InvalidPrediction("the record", f"has {count} fields; the limit is {contract.MAX_FIELDS}, a list in one field takes up to {contract.MAX_MEMBERS} numbers")
        if count > MAX_FLAT:
            attributes = self._grouped(attributes)
        timestamp = _nanoseconds(time)
        if timestamp is None and event != contract.REFERENCE:  # a row of a set has no time
            timestamp = clock.time_ns()
        if self._queue and not self._queue.admit(wait):
            return
        self._logger.emit(event_name=event, timestamp=timestamp, severity_number=SeverityNumber.INFO, attributes=attributes)

    def _grouped(self, attributes: dict[str, Any]) -> dict[str, Any]:
        grouped: dict[str, Any] = {}
        for key, value in attributes.items():
            group, dot, name = key.removeprefix(self._prefix).partition(".")
            if dot and group in _GROUPS:
                grouped.setdefault(self._prefix + group, {})[name] = value
            else:
                grouped[key] = value
        return grouped


_GROUPS = (contract.FEATURES, contract.RAW_INPUTS, contract.PREDICTIONS, contract.ACTUALS, contract.EXPLANATIONS, contract.METRICS)


def _checked_id(id: Any) -> str:
    if not isinstance(id, str):
        raise InvalidPrediction("id", f"is a {type(id).__name__}; it must be str")
    if not 1 <= len(id.encode()) <= contract.MAX_ID:
        raise InvalidPrediction("id", f"has {len(id.encode())} bytes; it may have 1 to {contract.MAX_ID}")
    return id


def _nanoseconds(time: Any) -> int | None:
    if time is None or type(time).__name__ == "NaTType":
        return None
    if isinstance(time, datetime.datetime):
        if time.tzinfo is None:
            time = time.replace(tzinfo=datetime.timezone.utc)
        return int((time - _EPOCH) // _MICROSECOND) * 1000
    if isinstance(time, (int, float)) and not isinstance(time, bool):
        if not 0 <= time < 2**33:
            raise InvalidPrediction("time", f"is {time}; give seconds since 1970, or a datetime")
        return int(time * 1e6) * 1000
    raise InvalidPrediction("time", f"is a {type(time).__name__}; give a datetime, or seconds since 1970")


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MICROSECOND = datetime.timedelta(microseconds=1)


def _mark_last(rows: Iterator[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], bool]]:
    some: dict[str, Any] | None = None
    for row in rows:
        if some is not None:
            yield some, False
        some = row
    if some is not None:
        yield some, True


def _warn(records: int, why: str) -> None:
    log.warning("%d records are lost: %s", records, why)


def _default_exporter() -> Any:
    """The exporter that the standard variables name; they configure it, too."""
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HTTPExporter

        return HTTPExporter()
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GRPCExporter

        return GRPCExporter()
    raise ValueError(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not here; known: http/protobuf, grpc")
