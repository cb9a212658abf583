#!/bin/bash
# What is generated is up to date: generating it again changes nothing, and both
# go.mod are tidy. Changes that were there before are left alone, so this can be
# run while working; on a clean tree it is `git diff --exit-code`.
set -euo pipefail
cd "$(dirname "$0")/../.."

state() { # of every file that git knows or would add; deleted ones are skipped
	git ls-files -z --cached --others --exclude-standard | sort -zu |
		while IFS= read -r -d '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done | xargs -0 sha256sum
}

before=$(state)
go generate ./...
if ! changed=$(diff <(echo "$before") <(state)); then
	echo 'out of date; run `make generate` and commit what it changes:'
	echo "$changed" | awk '/^[<>]/ { print "  " $3 }' | sort -u
	exit 1
fi

internal/tools/check-manifest.sh

for dir in . distributions/full; do
	if ! changed=$(cd "$dir" && go mod tidy -diff 2>&1); then
		echo "$dir/go.mod or go.sum is not tidy; run \`make tidy\`:"
		echo "$changed" | grep '^[+-]' | head -20
		exit 1
	fi
done
