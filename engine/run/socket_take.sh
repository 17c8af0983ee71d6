# SPDX-License-Identifier: MIT
# take NOW PUBLIC ID: between a look and a removal the guest may come back and get
# its name again. So the name is looked at, moved out of the way, which is atomic,
# and what was moved is looked at again: another's gets its name back, unless a
# newer one has it by then. Whether somebody listens would not show it: the socket of
# a QEMU that is just starting refuses clients, too.
# shellcheck shell=sh
is_old() {
	if [ -L "$1" ]
	then [ "$(readlink -- "$1")" = "$2" ]
	else [ -n "$3" ] &&
		[ "$(stat -c "${form:-%d:%i:%Y}" -- "$1")" = "$3" ]; fi
}
take() {
	is_old "$2" "$1" "$3" || return 0
	mv -f -T -- "$2" "$2.gone" || return 0
	is_old "$2.gone" "$1" "$3" ||
		ln -P -T -- "$2.gone" "$2"
	rm -f -- "$2.gone"
}
exec 2>/dev/null
