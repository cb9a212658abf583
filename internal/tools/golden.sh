#!/bin/bash
# Computes the reference numbers of the tests again: every */testdata/ref/*.py, with
# the packages of golden-requirements.txt in an environment of their own.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
$python -c 'import sys; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 11))' || {
	echo "$($python --version): the pinned packages exist for Python 3.8 to 3.11; name one with PYTHON=python3.11" >&2
	exit 1
}
venv=dist/golden
[ -d $venv ] || $python -m venv $venv
$venv/bin/pip install --quiet --disable-pip-version-check -r internal/tools/golden-requirements.txt
for f in $(git ls-files '*/testdata/ref/*.py'); do
	echo "== $f"
	$venv/bin/python "$f"
done
git status --short -- '*/testdata/*' # nothing, when all is as it was
