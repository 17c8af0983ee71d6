#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes sure of the Debian packages that a target needs: root gets them
# installed, others are told the line to type.
#	need.sh		to build, and for the demo
#	need.sh check	for `make check` as well
#	need.sh PKG...	these
set -eu

demo="gcc gcc-multilib libc6-dev make pkg-config libjson-c-dev libssh2-1-dev
	libssl-dev qemu-system-x86 openssh-server openssh-client python3"
check="libcmocka-dev cppcheck shellcheck clang-format clang-tidy git qemu-utils
	iproute2 nftables groff-base strace binutils clang libclang-rt-dev
	llvm busybox mksh zsh tcsh fish sudo debootstrap"

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
		installed ]
}

# Renamed or virtual packages count by what they bring.
there() {
	case $1 in
	pkg-config) command -v pkg-config >/dev/null ;;
	python3) [ -x /usr/bin/python3 ] ;;
	*) installed "$1" ;;
	esac
}

need() {
	missing=
	for package in "$@"; do
		there "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	line="apt-get install --no-install-recommends$missing"
	if [ "$(id -u)" != 0 ]; then
		echo "missing packages; as root: apt-get update && $line" >&2
		return 1
	fi
	echo "installing what is missing: $line"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update --quiet
	# shellcheck disable=SC2086 # several words
	apt-get install --yes --quiet --no-install-recommends $missing || {
		echo "these packages are needed:$missing" >&2
		return 1
	}
}

# A chroot has no /etc/hosts; tests want an address of localhost.
need_localhost() {
	! getent ahosts localhost >/dev/null || return 0
	line="echo 127.0.0.1 localhost >>/etc/hosts"
	if [ "$(id -u)" != 0 ]; then
		echo "localhost has no address; as root: $line" >&2
		return 1
	fi
	echo "giving localhost an address: $line"
	sh -c "$line"
}

if ! command -v dpkg-query >/dev/null; then
	echo "not a Debian system: it is up to you that the equivalents of" \
		"these packages are there:" $demo >&2
	exit 0
fi

# shellcheck disable=SC2086 # lists of words
case ${1-} in
'') need $demo ;;
check) need $demo $check && need_localhost ;;
*) need "$@" ;;
esac
