# SPDX-License-Identifier: MIT
# Makes the directory and the lock of a run; launch_script.h has the contract.
# shellcheck shell=sh disable=SC2046,SC2154
fail() { echo "$1" >&2; exit 1; }
is_wanted() {
	[ -z "$session" ] ||
		[ "$(ticks_of ${session% *})" = "${session#* }" ]
}
# a clean-up that comes before QEMU's pid is known ends both
trap '[ -z "$!" ] || kill -KILL $!; exit 1' TERM
umask 077
mkdir -p "$root" || fail "cannot make $root"
[ "$(id -u)" != 0 ] || chmod 711 "$root"
locked || fail "cannot lock $root"
if [ -e "$lock" ]; then
	if lives "$lock"; then say_busy; exit 0; fi
	rm -rf "$lock"
fi
tally
if ! may_come; then echo full=1; exit 0; fi
new=$root/new-$run
fail() { rm -rf "$new" "$lock" "$dir"; echo "$1" >&2; exit 1; }
mkdir "$new" || fail "cannot make $new"
echo $$ $(ticks_of $$) >"$new/pid" &&
this_space >"$new/space" &&
printf '%s\n' "$run" >"$new/run" &&
printf '%s\n' "$marker" >"$new/marker" &&
echo $session >"$new/session" &&
printf '%s\n' "$reserve" >"$new/ram" || fail "cannot write to $new"
# one that outlives its login comes after its own clean-up
is_wanted || fail "the login that wanted it is gone"
mv -T "$new" "$lock" || fail "cannot make $lock"
# from here on it counts; QEMU must not inherit the lock
exec 7<&-
# in a directory of ours: the run's is the guest's user's
mkdir -p "${token_file%/*}" && printf '%s\n' "$token" >"$token_file" ||
	fail "cannot write $token_file"
mkdir "$dir" || fail "cannot make $dir"
# opened before its user may put links there
true >"$dir/stdout" && true >"$dir/stderr" || fail "cannot write to $dir"
exec 8>>"$dir/stdout" 9>>"$dir/stderr"
chown "$owner" "$dir" || fail "cannot give $dir to $owner"
