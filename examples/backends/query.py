"""Asks DuckDB, a column store without a server, about files of model metrics.

    python query.py 'model-metrics/*.jsonl'

A window that was evaluated again is in the files more than once: the last line
counts.
"""

import sys

import duckdb

POINTS = """
CREATE TABLE points AS
WITH lines AS (
    SELECT row_number() OVER () AS line, json AS j FROM read_ndjson_objects(?)
), metrics AS (
    SELECT line, unnest(from_json(j->'$.resourceMetrics[*].scopeMetrics[*].metrics[*]', '["json"]')) AS m FROM lines
), data AS (
    SELECT line, m->>'$.name' AS metric, unnest(from_json(m->'$.gauge.dataPoints', '["json"]')) AS p FROM metrics
), named AS (
    SELECT line, metric, p,
           map_from_entries(list_transform(from_json(p->'$.attributes', '["json"]'), lambda a:
               {'k': a->>'$.key', 'v': a->>'$.value.stringValue'})) AS attributes
    FROM data
)
SELECT make_timestamp_ns((p->>'$.timeUnixNano')::BIGINT) AS window_end, metric,
       attributes['ml.model.name'] AS model, attributes['ml.model.version'] AS version,
       attributes['ml.segment.value'] AS segment, attributes['ml.field.name'] AS field,
       coalesce((p->>'$.asDouble')::DOUBLE, (p->>'$.asInt')::DOUBLE) AS value
FROM named
QUALIFY row_number() OVER (PARTITION BY window_end, metric, attributes ORDER BY line DESC) = 1
"""

DRIFT = """
SELECT window_end, field, round(value, 3) AS psi
FROM points WHERE metric = 'ml.drift.psi' AND model = 'loans' AND segment IS NULL
ORDER BY psi DESC LIMIT 10
"""

if __name__ == "__main__":
    db = duckdb.connect()
    db.execute(POINTS, [sys.argv[1]])
    db.sql(DRIFT).show()
    print(db.execute("SELECT sum(value) FROM points WHERE metric = 'ml.model.predictions' AND segment IS NULL").fetchone()[0], "predictions")
