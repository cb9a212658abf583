#!/bin/bash
# A manifest and the go.mod of its distribution must name the same versions:
# with --skip-get-modules the builder no longer compares them.
set -euo pipefail
cd "$(dirname "$0")/../.."
rc=0

check() { # manifest, folder of go.mod
	local want got
	while read -r mod want; do
		got=$(cd "$2" && go list -m -f '{{.Version}}' "$mod")
		[ "$got" = "$want" ] || { echo "$1 says $mod $want, $2/go.mod has $got"; rc=1; }
	done < <(grep -oE 'gomod: \S+ \S+' "$1" | awk '{print $2, $3}' | grep -v '^github.com/driftmeter/driftmeter ' | sort -u)
}

check builder-config.yaml .
check builder-config-full.yaml distributions/full
exit $rc
