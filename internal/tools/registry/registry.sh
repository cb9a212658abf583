#!/bin/bash
# Prints the folder with Apicurio Registry, as it is released, for the tests that read Avro by
# a schema registry; Maven fetches it first if it is not there. It is kept outside of the
# tree, in SCHEMA_REGISTRY_HOME or the user's cache; its sum is compared before it is unpacked.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${SCHEMA_REGISTRY_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/driftmeter/registry}

mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock 9 # several tests may want it at a time
if ! cmp -s "$dir/SHA256SUMS" "$here/SHA256SUMS"; then
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	cp "$here/pom.xml" "$tmp" # Maven writes beside it
	mvn -q -B -f "$tmp/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$tmp/got" >&2
	(cd "$tmp/got" && sha256sum --quiet -c "$here/SHA256SUMS") || { echo "what Maven fetched is not that of internal/tools/registry/SHA256SUMS" >&2; exit 1; }
	rm -rf "$dir"
	mkdir "$dir"
	tar -xzf "$tmp"/got/*.tar.gz -C "$dir"
	cp "$here/SHA256SUMS" "$dir" # all of it is there
fi
echo "$dir"
