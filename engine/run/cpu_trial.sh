# SPDX-License-Identifier: MIT
# Starts the QEMU "$@" for as long as it takes to say what CPU a guest of that
# command line has; cpu_trial.h has the contract. Nothing runs in it (-S), and
# it opens no file of the guest's. What it warns of comes between its answers.
# shellcheck shell=sh disable=SC2154
ask_user sh -c '
timeout --version >/dev/null 2>&1 || timeout() { shift; "$@"; }
cpu=/machine/unattached/device[0]
get() {
	printf "{\"execute\":\"qom-get\",\"id\":\"%s\",\"arguments\":" "$1"
	printf "{\"path\":\"%s\",\"property\":\"%s\"}}\n" "$cpu" "$1"
}
{
	echo "{\"execute\":\"qmp_capabilities\"}"
	echo "{\"execute\":\"query-cpus-fast\",\"id\":\"cpus\"}"
	get type
	get vendor
	get feature-words
	echo "{\"execute\":\"quit\"}"
} | timeout 10 "$@" -qmp stdio 2>&1 | head -c 262144' sh "$@"
exit 0
