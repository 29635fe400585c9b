#!/bin/sh
# Fails if a committed *_templ.go differs from what its *.templ generates now, or a
# demo's plan from what its script generates.
set -eu
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
go build -o "$fresh/templ" github.com/a-h/templ/cmd/templ
mkdir "$fresh/views"
cp views/*.templ "$fresh/views"
cp go.mod "$fresh"
(cd "$fresh" && ./templ generate >"$fresh/log" 2>&1) || { cat "$fresh/log" >&2; exit 1; }
stale=0
for file in "$fresh"/views/*_templ.go; do
	name=views/$(basename "$file")
	if ! cmp -s "$file" "$name"; then
		echo "$name is not current: run make generate" >&2
		stale=1
	fi
done
for file in views/*_templ.go; do
	if [ ! -f "views/$(basename "$file" _templ.go).templ" ]; then
		echo "$file has no template" >&2
		stale=1
	fi
done
go build -o "$fresh/seatlock" ./cmd/seatlock
for script in store/plan/plans/*.sh; do
	hall=${script%.sh}.json
	SEATLOCK=$fresh/seatlock sh "$script" >"$fresh/hall.json"
	if ! cmp -s "$fresh/hall.json" "$hall"; then
		echo "$hall is not current: run make plans" >&2
		stale=1
	fi
done
exit $stale
