#!/bin/sh
# Finds the Chromium that the browser tests drive, or installs Debian's.
set -eu
if [ -n "${CHROME:-}" ]; then
	exit 0
fi
for name in chromium google-chrome; do
	if command -v "$name" >/dev/null 2>&1; then
		exit 0
	fi
done
as_root=
if [ "$(id -u)" -ne 0 ]; then
	as_root=sudo
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "no Chromium found: install one, or set CHROME to its path" >&2
	exit 1
fi
echo "installing Chromium for the browser tests"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq chromium
