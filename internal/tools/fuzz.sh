#!/bin/bash
# Runs every fuzz test for a while: fuzz.sh 20s. One at a time, since `go test`
# fuzzes one target of one package. Making interesting inputs smaller is bounded, or
# it takes all of the time.
set -euo pipefail
cd "$(dirname "$0")/../.."
grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do
	grep -oE '^func Fuzz\w+' "$file" | awk '{ print $2 }' | while read -r name; do
		echo "== $name in $(dirname "$file")"
		go test -run='^$' -fuzz="^$name\$" -fuzztime="$1" -fuzzminimizetime=20x "./$(dirname "$file")"
	done
done
