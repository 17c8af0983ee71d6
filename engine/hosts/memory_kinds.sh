# SPDX-License-Identifier: MIT
# Huge pages and locked memory of a host; memory_kinds.h has the contract.
# shellcheck shell=sh disable=SC3045,SC2154
for d in "$root"/sys/kernel/mm/hugepages/hugepages-*kB; do
	[ -r "$d/free_hugepages" ] || continue
	kib=${d##*-}
	echo "pages=${kib%kB} $(cat "$d/free_hugepages") $(cat \
		"$d/resv_hugepages") $(cat "$d/nr_overcommit_hugepages") $(cat \
		"$d/surplus_hugepages")"
done
echo "memlock=$(ulimit -H -l)"
