#!/bin/bash
# Prints the folder with the jars of Apache Kafka, as it is released, for the tests that
# start a broker; Maven fetches them first if they are not there. They are kept outside of the
# tree, in KAFKA_JARS or the user's cache, and their sums are compared each time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${KAFKA_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/driftmeter/kafka}

sound() { [ -d "$dir" ] && (cd "$dir" && sha256sum --quiet -c "$here/SHA256SUMS") >/dev/null 2>&1; }

mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock 9 # several tests may want it at a time
if ! sound; then
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	cp "$here/pom.xml" "$tmp" # Maven writes beside it
	mvn -q -B -f "$tmp/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$tmp/jars" >&2
	rm -rf "$dir"
	mv "$tmp/jars" "$dir"
	sound || { echo "the jars in $dir are not those of internal/tools/kafka/SHA256SUMS" >&2; exit 1; }
fi
echo "$dir"
