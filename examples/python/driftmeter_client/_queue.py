"""A bound around the SDK's batch processor."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult


class BoundedExporter(LogRecordExporter):
    """Counts what becomes of each record.

    The SDK's processor drops the oldest record where there is no room. So each record takes a slot before it goes
    in, and gives it back when the exporter is done with it: there are never more than size in between, and what is
    lost is known.
    """

    def __init__(self, exporter: Any, size: int, on_loss: Callable[[int, str], None]) -> None:
        self.exporter, self.size, self.on_loss = exporter, size, on_loss
        self.logged = self.sent = self.failed = self.dropped = self.queued = 0
        self._untold = 0
        self._room = threading.Condition()
        if hasattr(os, "register_at_fork"):
            me = weakref.ref(self)

            def forked() -> None:
                if queue := me():
                    queue._forked()

            os.register_at_fork(after_in_child=forked)

    def _forked(self) -> None:
        # The SDK empties its queue in the child: what stands there is the parent's.
        self._room = threading.Condition()
        self.logged = self.sent = self.failed = self.dropped = self.queued = self._untold = 0

    def admit(self, wait: bool) -> bool:
        """Takes a slot; if there is none, waits for one or counts the record as dropped."""
        with self._room:
            if wait:
                self._room.wait_for(lambda: self.queued < self.size)
            if self.queued >= self.size:
                self.dropped += 1
                self._untold += 1
                return False
            self.queued += 1
            self.logged += 1
            return True

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        why = "the collector did not take them"
        try:
            result = self.exporter.export(batch)
        except Exception as e:
            result, why = LogRecordExportResult.FAILURE, f"{type(e).__name__}: {e}"
        lost = 0
        with self._room:
            if result is LogRecordExportResult.SUCCESS:
                self.sent += len(batch)
            else:
                self.failed += len(batch)
                lost = len(batch)
            self.queued -= len(batch)
            self._room.notify_all()
        if lost:
            self.on_loss(lost, why)
        self.tell()
        return LogRecordExportResult(result.value)

    def tell(self) -> None:
        """Says what was dropped since it was said last."""
        with self._room:
            dropped, self._untold = self._untold, 0
        if dropped:
            self.on_loss(dropped, f"the queue of {self.size} records was full; see queue_size")

    def wait_for(self, logged: int, timeout: float) -> int:
        """Waits until the first so many records are done with; returns how many of them are not."""
        with self._room:
            self._room.wait_for(lambda: self.sent + self.failed >= logged, timeout)
            return max(0, logged - self.sent - self.failed)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return bool(self.exporter.force_flush(timeout_millis))

    def shutdown(self) -> None:
        self.tell()
        self.exporter.shutdown()
