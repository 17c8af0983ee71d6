# SPDX-License-Identifier: MIT
# A guest that has moved gets its names, and the lock of its run goes. Once the
# lock is gone its parent cleans up after it (departed.h). A recovery may come
# here late, when it has ended: then nobody needs its directory.
#
# give_names prints what note_arrival reads; forget_moved is for moved.h.
# shellcheck shell=sh disable=SC2154
rc=0
if [ "$(ticks_of "$pid")" = "$ticks" ]; then
	names=$(give_names) || rc=1
	[ -f "$record" ] ||
		printf '%s' "${names:+$names
}" | note_arrival "$record" "$pid" "$ticks" "$dir" || rc=1
	forget_moved
else
	remove_run_dir "$dir"
fi
[ "$(cat "$lock/run" 2>/dev/null)" != "$run" ] || rm -rf "$lock" || rc=1
[ -z "$token_file" ] || rm -f -- "$token_file" || rc=1
exit $rc
