# SPDX-License-Identifier: MIT
# What a host's network is for a guest; net_facts.h has the contract. One
# KEY=VALUE a line; what is not known has no line.
#
# $root: before /proc and /sys, as a test has them; empty.
# shellcheck shell=sh disable=SC2046,SC2086,SC2154,SC3013
net_value() {
	word=
	read -r word 2>/dev/null <"$2" || [ -n "$word" ] || return 0
	echo "$1=$word"
} 2>/dev/null
# An interface of QEMU's or another program's has a descriptor; what has none leads
# on to a machine or to a network.
others_in() {
	for port in "$1"/brif/*; do
		name=${port##*/}
		[ ! -e "$port" ] || [ -e "$root/sys/class/net/$name/tun_flags" ] ||
			echo "$name"
	done
}
vlans() {
	bridge vlan show dev "$1" 2>/dev/null | sed -e 1d \
		-e 's/^[^[:blank:]][^[:blank:]]*//' \
		-e 's/[[:blank:]][[:blank:]]*/ /g' -e 's/^ //' -e 's/ $//' \
		-e '/^$/d' | paste -s -d , -
}
net_describe() {
	at=$root/sys/class/net/$2
	[ -e "$at" ] || return 0
	kind=other
	[ ! -e "$at/tun_flags" ] || kind=tun
	[ ! -e "$at/bridge" ] || kind=bridge
	echo "$1.kind=$kind"
	for fact in flags mtu carrier owner group tun_flags; do
		net_value "$1.$fact" "$at/$fact"
	done
	net_value "$1.filters" "$at/bridge/vlan_filtering"
	[ ! -e "$at/bridge" ] ||
		echo "$1.others=$(others_in "$at" | paste -s -d ' ' -)"
}
# net_link KEY NAME: an interface, with the bridge that it is in
net_link() {
	net_describe "$1" "$2"
	master=$(readlink "$root/sys/class/net/$2/master") || return 0
	master=${master##*/}
	echo "$1.master=$master"
	net_describe "$1.bridge" "$master"
	[ ! -e "$root/sys/class/net/$master/bridge" ] ||
		echo "$1.vlans=$(vlans "$2")"
}
found=0
add_found() {
	echo "found.$found=$1"
	net_link "found.$found" "$1"
	found=$((found + 1))
}
bridges() {
	for at in "$root"/sys/class/net/*/bridge; do
		[ ! -e "$at" ] || {
			at=${at%/bridge}
			add_found "${at##*/}"
		}
	done
}
# taps_of PID: the interfaces that it has open, whatever they are called
taps_of() {
	at=$root/proc/$1
	[ "$at/ns/net" -ef "$root/proc/self/ns/net" ] ||
		! readlink "$at/ns/net" >/dev/null || echo apart=1
	[ ! "$at/fd/1" -ef /dev/null ] || echo silent=1
	names=$(sed -n 's/^iff:[[:blank:]]*//p' "$at"/fdinfo/* 2>/dev/null |
		sort -u)
	set -f
	set -- $names
	set +f
	for tap in "$@"; do add_found "$tap"; done
}
# learnt MAC...: those that a bridge has learnt from a program of this host
learnt() {
	words=$(printf ' -e %s' "$@")
	n=0
	bridge fdb show 2>/dev/null | grep -iF $words |
		while read -r mac dev port rest; do
		case $dev$rest in
		dev*permanent*|dev*self*|dev*static*) continue ;;
		dev*) [ -e "$root/sys/class/net/$port/tun_flags" ] || continue ;;
		*) continue ;;
		esac
		rest=${rest##*master }
		echo "alive.$n=$mac $port ${rest%% *}"
		n=$((n + 1))
	done
}
# sockets_at PROTOCOL STATE PORTS: "HEX:PORT", as the kernel writes them
sockets_at() {
	echo "$1=$(echo $(for table in "$root/proc/net/$1" "$root/proc/net/${1}6"; do
		sed -nE "s/^ *[0-9]+: ([0-9A-F]+:($3)) [0-9A-F]+:0000 $2 .*/\1/p" \
			"$table" 2>/dev/null
	done))"
}
addresses() {
	command -v ip >/dev/null || return 0
	echo "addresses=$(echo $(ip -o addr show |
		sed -n 's/.* inet6\{0,1\} \([^ /]*\).*/\1/p'))"
}
net_tun() { stat -c 'tun=%a %u %g' "$root/dev/net/tun" 2>/dev/null || :; }
# The rules of qemu-bridge-helper(8): a denial wins.
acl_rules() {
	while read -r verb what _; do
		case $verb in
		allow|deny) echo "$verb $what" ;;
		include) [ "$2" = 0 ] || acl_rules "$root$what" $(($2 - 1)) ;;
		esac
	done <"$1"
} 2>/dev/null
# acl BRIDGE KEY: whether the helper may use it, if it has rules at all
acl() {
	[ -e "$root/etc/qemu/bridge.conf" ] || return 0
	rules=$(acl_rules "$root/etc/qemu/bridge.conf" 9)
	answer=deny
	for name in all "$1"; do
		! echo "$rules" | grep -qxF "allow $name" || answer=allow
	done
	for name in all "$1"; do
		! echo "$rules" | grep -qxF "deny $name" || answer=deny
	done
	echo "acl.$2=$answer"
}
