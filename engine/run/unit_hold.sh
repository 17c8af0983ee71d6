# SPDX-License-Identifier: MIT
# A unit of systemd is kept from starting its guest again; unit_hold.h has the
# contract. $unit, $file and, for the user's manager, $manager=user are assigned
# by the caller.
# shellcheck shell=sh disable=SC2154
if [ "$manager" = user ]; then
	XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
	export XDG_RUNTIME_DIR
	dir=$XDG_RUNTIME_DIR/systemd/user/$unit.d
	ctl() { systemctl --user "$@"; }
else
	dir=/run/systemd/system/$unit.d
	ctl() { systemctl "$@"; }
fi
show() {
	ctl show -p LoadState -p Restart -p UnitFileState -p ControlGroup \
		-p ExecCondition -- "$unit"
}
restart() { ctl show -p Restart -- "$unit"; }
hold() {
	umask 022
	mkdir -p "$dir" || return 1
	printf '[Service]\nRestart=no\n' >"$dir/$file" &&
		ctl daemon-reload && [ "$(restart)" = Restart=no ] && return
	drop
	echo "$unit keeps its $(restart)" >&2
	return 1
}
drop() {
	rm -f "$dir/$file"
	rmdir "$dir" 2>/dev/null
	ctl daemon-reload
}
# It decides about a restart when its process has ended, so that is waited for.
is_over() {
	case $(ctl show -p ActiveState -- "$unit") in
	*=inactive | *=failed) ;;
	*) return 1 ;;
	esac
}
release_when_over() {
	[ -e "$dir/$file" ] || return 0
	n=0
	until is_over; do
		n=$((n + 1))
		[ $n -lt 60 ] || { echo "file=$dir/$file"; return 0; }
		sleep 0.05
	done
	drop
}
release() { [ ! -e "$dir/$file" ] || drop; }
