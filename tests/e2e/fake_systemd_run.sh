#!/bin/sh
# SPDX-License-Identifier: MIT
# systemd-run --scope where there is no systemd: runs the command.
while :; do
	case $1 in
	--description) shift 2 ;;
	--*) shift ;;
	*) exec "$@" ;;
	esac
done
