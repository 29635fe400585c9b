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
export DEBIAN_FRONTEND=noninteractive
# Another apt may be running, as on a machine that has just started. Wait for its
# locks; apt-get cannot wait for the one of the package lists, so try again.
tries=30
until $as_root apt-get -o DPkg::Lock::Timeout=300 update -qq; do
	tries=$((tries - 1))
	if [ "$tries" -eq 0 ]; then
		exit 1
	fi
	sleep 10
done
$as_root apt-get -o DPkg::Lock::Timeout=300 install -y -qq chromium
