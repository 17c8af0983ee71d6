# SPDX-License-Identifier: MIT
# limit NAME SOFT HARD; launch_script.h has the contract.
# shellcheck shell=sh
limits=
limit() {
	prlimit --pid $$ "--$1=$2:$3" 2>/dev/null ||
	prlimit --pid $$ "--$1=$2:" 2>/dev/null ||
	limits="$limits $1"
}
