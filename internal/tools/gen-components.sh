#!/bin/sh
# Manifest -> components.go, for both distributions:
#
#   builder-config.yaml       -> components.go
#   builder-config-full.yaml  -> distributions/full/components.go
#
# The builder runs in a scratch directory, since it always writes a main.go too:
# main.go is ours. It never touches go.mod (--skip-get-modules).
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

generate() { # manifest, output
	mkdir "$tmp/$1"
	sed "s#^  output_path:.*#  output_path: $tmp/$1#" "$1" >"$tmp/$1/manifest.yaml"
	TMPDIR=$tmp go tool builder --skip-get-modules --skip-compilation --config "$tmp/$1/manifest.yaml" 2>"$tmp/log" || { cat "$tmp/log" >&2; exit 1; }
	gofmt "$tmp/$1/components.go" >"$2"
}

generate builder-config.yaml components.go
generate builder-config-full.yaml distributions/full/components.go
