#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs fuzzers one after the other; one line each.
#	run.sh fuzz TARGET...		FUZZ_SECONDS each, new inputs are kept
#	run.sh regress TARGET...	each corpus once
# The target proc is proc_trees.py, which has no corpus but a seed.
# FUZZ_BUILD has the programs; crashes, logs and found inputs go there, too.
set -eu
unset CDPATH
cd "$(dirname "$0")/../.."

mode=$1
shift
build=${FUZZ_BUILD:-build-fuzz}
seconds=${FUZZ_SECONDS:-60}
here=tests/fuzz

# Where targets put files; a crash must not leave them behind.
TMPDIR=$(mktemp -d -p /dev/shm vmferry-fuzz.XXXXXX 2>/dev/null || mktemp -d)
export TMPDIR
child=
trap 'rm -rf "$TMPDIR"' EXIT
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 130' INT TERM

max_len() {
	case $1 in
	qmp | session) echo 8192 ;;
	journal | recording) echo 16384 ;;
	pump) echo 1024 ;;
	*) echo 4096 ;;
	esac
}

fuzz() {
	set -- "$1" -max_total_time="$seconds"
	[ ! -f "$here/dict/$1.dict" ] || set -- "$@" "-dict=$here/dict/$1.dict"
	mkdir -p "$build/corpus/$1"
	run "$@" "$build/corpus/$1"
}

# run TARGET ARGUMENT...: everything it says goes to its log.
run() {
	name=$1
	shift
	"$build/${name}_fuzz" -seed=1 -max_len="$(max_len "$name")" \
		-rss_limit_mb=2048 -timeout=10 -print_final_stats=1 -len_control=20 \
		-artifact_prefix="$build/crashes/$name-" "$@" \
		"$here/corpus/$name" >"$build/$name.log" 2>&1 &
	child=$!
	wait "$child"
}

stat_of() {
	sed -n "s/^stat::$2: *//p" "$build/$1.log"
}

# The highest coverage that the log tells.
coverage_of() {
	sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$build/$1.log" | tail -n 1
}

proc_trees() {
	case $mode in
	fuzz) set -- --seconds "$seconds" ;;
	*) set -- --trees 10 ;;
	esac
	"$here/proc_trees.py" "$@" &
	child=$!
	wait "$child"
}

mkdir -p "$build/crashes"
bad=0
for target in "$@"; do
	[ "$target" != proc ] || {
		proc_trees || bad=1
		continue
	}
	result=ok
	case $mode in
	fuzz) fuzz "$target" || result=CRASH ;;
	regress) run "$target" -runs=0 || result=CRASH ;;
	*) exit 2 ;;
	esac
	printf '  %-12s %9s execs  %5s edges  %s\n' "$target" \
		"$(stat_of "$target" number_of_executed_units)" \
		"$(coverage_of "$target")" "$result"
	[ "$result" = ok ] || {
		bad=1
		grep -E 'ERROR:|does not hold|runtime error|Assertion|ALARM' \
			"$build/$target.log" | head -n 3 >&2 || :
		echo "	see $build/$target.log and $build/crashes/" >&2
	}
done
exit $bad
