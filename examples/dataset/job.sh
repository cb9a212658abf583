#!/bin/sh
# What a nightly job leaves behind: the training set, a day of predictions, and what
# became of them. Files are written beside their place and moved there when whole.
set -eu
here=$(cd "$(dirname "$0")/../rest" && pwd)
scores=${SCORES:-./scores}/loans/1
day=$scores/serving/day=$(date -u +%F)
mkdir -p "$day"

put() { cat >"$1.part" && mv "$1.part" "$1"; }

put "$scores/train.csv" <"$here/training.csv"
# They were made two hours ago.
awk -v at=$(($(date +%s) - 7200)) 'NR == 1 { print $0 ",asked_at" } NR > 1 { print $0 "," at }' "$here/served.csv" |
	gzip | put "$day/scores.csv.gz"
put "$scores/actuals.csv" <"$here/outcomes.csv"
