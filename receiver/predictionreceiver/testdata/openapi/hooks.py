"""What schemathesis does not know of the bodies that the receiver takes."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "text/csv", "application/vnd.apache.parquet", "application/x-protobuf")
def as_it_is(_, value):
    """Texts, and bytes, are sent as they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
