#!/bin/sh
# Prints docs/performance.md from the output of the TestProve tests: under the name
# of each, its tables and the lines that begin with "> ".
set -eu
log=$1
cat <<EOF
# Measured figures

Printed by \`make prove\`, which replaces this file. Machines differ and are shared:
where a table compares with a bare loop of the same run, the ratios count; absolute
figures hold for this machine at that hour. Aims stand above each table.

$(date -u +%Y-%m-%d) · $(go env GOOS)/$(go env GOARCH) · $(go env GOVERSION) · $(nproc) cores
EOF
awk '
	/^=== RUN   TestProve[A-Za-z]+$/ { name = substr($3, 10); gsub(/[A-Z]/, " &", name); title = "##" tolower(name); open = 0; next }
	/^(\||> )/ { if (!open) { printf "\n%s\n\n", title; open = 1 } sub(/^> /, ""); print }
' "$log"
