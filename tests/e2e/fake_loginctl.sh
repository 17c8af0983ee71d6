#!/bin/sh
# SPDX-License-Identifier: MIT
# loginctl of a system whose users linger or not ($FAKE_SYSTEMD/linger), as far
# as vmferry asks it of a user.
[ "$1 $3 $4" != "show-user -p Linger" ] ||
	echo "Linger=$(cat "$FAKE_SYSTEMD/linger")"
