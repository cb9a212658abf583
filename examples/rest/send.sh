#!/bin/sh
# Sends a training set, predictions and what became of them, as a nightly job would.
set -eu
cd "$(dirname "$0")"
url=http://${PREDICTION_ENDPOINT:-localhost:4319}

# The rows that the model was trained on: what the others are compared with.
curl -sSf "$url/v1/reference?complete=true" --data-binary @training.csv

# The predictions, whose labels are not known yet. They were made two hours ago.
awk -v at=$(($(date +%s) - 7200)) 'NR == 1 { print $0 ",asked_at" } NR > 1 { print $0 "," at }' served.csv |
	curl -sSf "$url/v1/predictions" --data-binary @-

# The labels, later.
curl -sSf "$url/v1/actuals" --data-binary @outcomes.csv

# One prediction more, as JSON, of a service; and one with a mistake, which the answer names.
curl -sSf "$url/v1/predictions" -H 'Content-Type: application/json' \
	-d '{"application": "b1", "income": 1200, "postcode": "02139", "score": 0.4}'
curl -sS "$url/v1/predictions" -H 'Content-Type: application/json' \
	-d '[{"application": "b2", "asked_at": "yesterday", "income": 900, "postcode": "10115", "score": 0.4}]'
