#!/bin/sh
# Compares the speed of two commits: sh internal/compare.sh BASE HEAD ROUNDS
# Prints a table. The commits take turns, so that other load on the machine affects
# both.
set -eu
base=$1 head=$2 rounds=$3
root=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'rm -rf "$work"; git -C "$root" worktree prune' EXIT
if [ -z "${MONGOD:-}" ] && [ -x "$root/.cache/mongod" ]; then
	export MONGOD="$root/.cache/mongod"
fi
for side in base head; do
	eval commit=\$$side
	git -C "$root" worktree add -q --detach "$work/$side" "$commit"
	cd "$work/$side"
	sed -i 's/const trials = 5/const trials = 2/' store/sqlitestore/bench_test.go
	sed -i 's/trial, trials = 2 \* time.Second, 5/trial, trials = 2 * time.Second, 1/' store/mongostore/prove_test.go
	sed -i '/p.row("lock four seats"/d; s/range \[\]int{16, 128} {/range []int{} {/' store/mongostore/prove_test.go
	go test -c -tags prove -o "$work/$side.sqlite" ./store/sqlitestore
	go test -c -tags prove -o "$work/$side.mongo" ./store/mongostore
done
for round in $(seq "$rounds"); do
	for side in base head; do
		for engine in sqlite mongo; do
			cd "$work/$side/store/${engine}store"
			"$work/$side.$engine" -test.run 'TestProve(Embedded|Mongo)Speed' > "$work/out" || { cat "$work/out" >&2; exit 1; }
			awk -F ' *[|] *' -v side="$side" -v engine="$engine" '/^[|] *(lock|lose|[0-9])/ {
					if (engine == "sqlite") print side "|embedded, lock a seat, " $2 " callers|" $3 "|" $3 / $4 "|" $6
					else print side "|MongoDB, " $2 ", " $3 " callers|" $4 "|" $7 "|" $9
				}' "$work/out" >> "$work/rows"
		done
	done
	echo "round $round of $rounds" >&2
done
cat <<TABLE
# Compared with $base

Printed by \`make compare BASE=$base\`: the commits took turns for $rounds rounds, and these are
the medians. *Bare* is a loop of the same run that does the same writes without
deciding anything (on MongoDB a transaction of two updates).

$(date -u +%Y-%m-%d) · $(go env GOOS)/$(go env GOARCH) · $(go env GOVERSION) · $(nproc) cores · $(git -C "$root" rev-parse --short "$head")

| what | $base, locks/s | now, locks/s | $base/bare | now/bare | µs CPU a lock: $base | now |
|---|---:|---:|---:|---:|---:|---:|
TABLE
awk -F '[|]' '
	function median(key,   list, n, i, j, x) {
		n = split(values[key], list, " ")
		for (i = 2; i <= n; i++) { x = list[i] + 0; for (j = i - 1; j > 0 && list[j] + 0 > x; j--) list[j + 1] = list[j]; list[j + 1] = x }
		return list[int((n + 1) / 2)]
	}
	{ if (!($2 in seen)) { seen[$2] = 1; order[++count] = $2 }
	  for (i = 3; i <= 5; i++) values[$1 "|" $2 "|" i] = values[$1 "|" $2 "|" i] " " $i }
	END { for (i = 1; i <= count; i++) { w = order[i]
		printf "| %s | %.0f | %.0f | %.3f | %.3f | %.1f | %.1f |\n", w, median("base|" w "|3"), median("head|" w "|3"),
			median("base|" w "|4"), median("head|" w "|4"), median("base|" w "|5"), median("head|" w "|5") } }
' "$work/rows"
