#!/bin/sh
# SPDX-License-Identifier: MIT
# In a bare root, as root: an ordinary user tries `make demo`. It ends with
# status 2 and a line of packages; when root has run that line, it works.
set -eu

user=visitor
useradd --create-home --shell /bin/bash $user
cp -a . /home/$user/vmferry
chown -R $user: /home/$user/vmferry

demo() {
	setpriv --reuid $user --regid $user --init-groups --reset-env \
		sh -c 'cd ~/vmferry && exec make demo'
}

status=0
said=$(demo 2>&1) || status=$?
echo "$said"
[ $status = 2 ] || {
	echo "FAILED: without the packages it ended with status $status, not 2"
	exit 1
}
line=$(echo "$said" | sed -n 's/^missing packages; as root: //p')
[ -n "$line" ] || {
	echo "FAILED: it did not name the packages that are missing"
	exit 1
}
# The answers of somebody at a terminal.
yes | DEBIAN_FRONTEND=noninteractive sh -c "$line"
demo
