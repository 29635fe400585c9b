#!/bin/sh
# Makes docs/performance.md of the output of the TestProve tests: the tables
# that each prints, and the lines that begin with "> ", under its name.
set -eu
log=$1
cat <<EOF
# Measured figures

Printed by \`make prove\`, and made anew by it. Machines differ and are shared:
where a table compares with a bare loop of the same run, read the ratios, and
take absolute figures for this machine at that hour. Aims stand above a table.

$(date -u +%Y-%m-%d) · $(go env GOOS)/$(go env GOARCH) · $(go env GOVERSION) · $(nproc) cores
EOF
awk '
	/^=== RUN   TestProve[A-Za-z]+$/ { name = substr($3, 10); gsub(/[A-Z]/, " &", name); title = "##" tolower(name); open = 0; next }
	/^(\||> )/ { if (!open) { printf "\n%s\n\n", title; open = 1 } sub(/^> /, ""); print }
' "$log"
