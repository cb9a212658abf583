"""Data frames become rows. pandas is not imported: what has columns will do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ._fields import InvalidPrediction


def rows(groups: Mapping[str, Any], ids: Any, times: Any, need_ids: bool = False) -> Iterator[dict[str, Any]]:
    """Yields a dict for each row of the groups: data frames, series, or iterables of dicts, of one length."""
    sources = {name: _rows_of(name, source) for name, source in groups.items() if source is not None}
    if ids is not None:
        sources["id"] = (_id(i) for i in _values(ids))
    elif need_ids:
        raise InvalidPrediction("ids", "are missing; an actual needs the id of its prediction")
    if times is not None:
        sources["time"] = iter(_values(times))
    if not sources:
        raise InvalidPrediction("the batch", "has no rows; give it features or predictions")
    for n in _count():
        row: dict[str, Any] = {}
        ended = []
        for name, source in sources.items():
            try:
                row[name] = next(source)
            except StopIteration:
                ended.append(name)
        if len(ended) == len(sources):
            return
        if ended:
            longer = next(name for name in sources if name not in ended)
            raise InvalidPrediction(ended[0], f"has {n} rows, and {longer} has more; row i of each is one prediction")
        yield row


def _rows_of(name: str, source: Any) -> Iterator[Any]:
    if hasattr(source, "columns") and hasattr(source, "__getitem__"):
        columns = list(source.columns)
        if len(set(columns)) != len(columns):
            twice = next(c for c in columns if columns.count(c) > 1)
            raise InvalidPrediction(f"{name}.{twice}", "is the name of two columns")
        # Column by column: a row of a frame with several types would turn integers into floats.
        lists = [_values(source[c]) for c in columns]
        if not lists:
            raise InvalidPrediction(name, "is a data frame without columns")
        return (dict(zip(columns, values)) for values in zip(*lists))
    if hasattr(source, "tolist") and hasattr(source, "name"):  # a Series
        if not isinstance(source.name, str):
            raise InvalidPrediction(name, "is a Series without a name, which would be that of the field")
        field = source.name
        return ({field: value} for value in _values(source))
    if isinstance(source, (str, bytes, Mapping)) or not isinstance(source, Iterable):
        raise InvalidPrediction(name, f"is a {type(source).__name__}; give a data frame, a Series, or an iterable of dicts")
    return iter(source)


def _values(column: Any) -> Any:
    if type(column).__module__ == "numpy" and column.dtype.kind == "M":
        column = column.astype("datetime64[us]")  # tolist would make bare numbers of nanoseconds
    return column.tolist() if hasattr(column, "tolist") else column


def _id(value: Any) -> Any:
    """Ids are often numbers in tables."""
    if type(value).__module__ == "numpy":
        value = value.item()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _count() -> Iterator[int]:
    n = 0
    while True:
        yield n
        n += 1
