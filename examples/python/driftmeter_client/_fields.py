"""Python values become the values of fields."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from . import _contract as contract

HOLDS = "a field holds a number, bool, str, date or time, a list of these, or a dict from str to these"


class InvalidPrediction(ValueError):
    """A mistake in what was logged. Nothing of the call is sent: the collector would refuse it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        """What it is about, such as features.age."""


class _Missing:
    """A value that is not there: None, pandas' NA and NaT."""


MISSING = _Missing()


def add_group(attributes: dict[str, Any], prefix: str, group: str, fields: Any) -> None:
    """Adds the fields of a group as flat attributes.

    fields is a mapping, a row of a data frame (a Series), or None. What is missing is left out; so is a NaN of
    the actuals, since an unknown truth is none.
    """
    if fields is None:
        return
    if not isinstance(fields, Mapping):
        if not hasattr(fields, "to_dict") or not hasattr(fields, "index"):
            raise InvalidPrediction(group, f"is a {type(fields).__name__}; give a dict, or a row of a data frame")
        fields = fields.to_dict()
    for name, value in fields.items():
        if not isinstance(name, str):
            raise InvalidPrediction(f"{group}.{name}", f"has a name of type {type(name).__name__}; names are str")
        if not 1 <= len(name.encode()) <= contract.MAX_NAME:
            raise InvalidPrediction(f"{group}.{name[:64]}", f"has a name of {len(name.encode())} bytes; it may have 1 to {contract.MAX_NAME}")
        try:
            value = field(value)
        except _Problem as p:
            raise InvalidPrediction(f"{group}.{name}", str(p)) from None
        if value is MISSING or (group == contract.ACTUALS and isinstance(value, float) and math.isnan(value)):
            continue
        attributes[f"{prefix}{group}.{name}"] = value


class _Problem(Exception):
    """What is wrong with a value, without the name of its field."""


def field(value: Any) -> Any:
    """Returns the value of a field as OpenTelemetry's SDK takes it, or MISSING."""
    value = _plain(value)
    if isinstance(value, Mapping):
        _bound(value, "members")
        return {_key(name): _member(name, v) for name, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        _bound(value, "elements")
        return [_member(i, v) for i, v in enumerate(value)]
    return _scalar(value)


def _plain(value: Any) -> Any:
    """Makes what numpy, pandas and others hold a value of Python."""
    kind = type(value).__name__
    if value is None or kind in ("NAType", "NaTType"):
        return MISSING
    if kind == "datetime64":  # numpy's scalar; its item() is a bare number in nanoseconds
        value = value.astype("datetime64[us]").item()
        return MISSING if value is None else value
    if type(value).__module__.startswith(("numpy", "torch", "pandas")):
        if hasattr(value, "ndim") and value.ndim > 1:
            raise _Problem(f"has {value.ndim} dimensions; an embedding or array has one")
        if hasattr(value, "tolist"):  # arrays, scalars, series
            return value.tolist()
    return value


def _scalar(value: Any) -> Any:
    if value is MISSING or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return _scalar(value.value)
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise _Problem(f"is {value}, more than OTLP's integers hold; send it as str if it is a category, or as float")
        return int(value)
    if isinstance(value, (float, decimal.Decimal)):
        return float(value)
    if isinstance(value, str):
        if len(value) * 4 > contract.MAX_TEXT and len(value.encode()) > contract.MAX_TEXT:
            raise _Problem(f"has {len(value.encode())} bytes; the limit is {contract.MAX_TEXT}")
        return str(value)
    if isinstance(value, datetime.datetime):  # pandas' Timestamp is one
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    raise _Problem(f"is a {type(value).__name__}; {HOLDS}")


def _member(at: Any, value: Any) -> Any:
    """A member of a list or dict, which may not be one itself. What is missing keeps its place."""
    value = _plain(value)
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, (str, bytes))):
        raise _Problem(f"holds a {type(value).__name__} at {at!r}; lists and dicts hold numbers, bool, str and times")
    try:
        value = _scalar(value)
    except _Problem as p:
        raise _Problem(f"at {at!r} {p}") from None
    return math.nan if value is MISSING else value


def _key(name: Any) -> str:
    if isinstance(name, (bool, float)) or not isinstance(name, (str, int)):
        raise _Problem(f"has the key {name!r}; keys are str")
    return str(name)


def _bound(value: Any, what: str) -> None:
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise _Problem(f"is {type(value).__name__}; send text, or a list of numbers")
    if len(value) > contract.MAX_MEMBERS:
        raise _Problem(f"has {len(value)} {what}; the limit is {contract.MAX_MEMBERS}")
