#!/bin/sh
# SPDX-License-Identifier: MIT
# PID 1 of the namespaces that `fresh` makes: furnishes the root, enters it and
# becomes fresh_init.pl, which runs the command there.
#	fresh_inside.sh ROOT OVERLAY USER COMMAND...
# OVERLAY: the options of the overlay that ROOT is to be; empty: it is a copy.
# Descriptor 7 is written to as soon as nothing but the command is to be run.
set -u
unset CDPATH

root=$1 overlay=$2 user=$3
shift 3
repository=$(cd "$(dirname "$0")/../.." && pwd)
init=$(cat "${0%/*}/fresh_init.pl")

# The devices of a plain machine, and those that guests and labs want, where
# this machine has them.
furnish_dev() {
	mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
	mkdir "$root/dev/net" "$root/dev/pts" "$root/dev/shm"
	for name in null zero full random urandom tty fuse kvm net/tun \
		vhost-net vhost-vsock; do
		[ -c "/dev/$name" ] || continue
		: >"$root/dev/$name"
		mount --bind "/dev/$name" "$root/dev/$name"
	done
	mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts \
		"$root/dev/pts"
	mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	for n in 0:stdin 1:stdout 2:stderr; do
		ln -s "/proc/self/fd/${n%:*}" "$root/dev/${n#*:}"
	done
}

furnish() {
	if [ -n "$overlay" ]; then
		mount -t overlay -o "$overlay" overlay "$root"
	else
		mount --bind "$root" "$root"
	fi
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	furnish_dev
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	echo fresh >"$root/etc/hostname"
	hostname fresh
}

# git takes no repository of another user's. HEAD may be no branch.
clone() {
	home=/root
	[ "$user" = root ] || {
		home=/home/$user
		chroot "$root" useradd --create-home --shell /bin/bash "$user"
	}
	settings=$root/dev/gitconfig
	git config --file "$settings" safe.directory '*'
	git config --file "$settings" advice.detachedHead false
	# git 2.47 clones a HEAD that is no branch into one that it names aloud
	git config --file "$settings" init.defaultBranch main
	GIT_CONFIG_GLOBAL=$settings git clone --quiet --no-hardlinks \
		"$repository" "$root$home/vmferry"
	rm "$settings"
	chroot "$root" chown -R "$user:" "$home/vmferry"
}

path=/usr/local/bin:/usr/bin:/bin
[ "$user" != root ] || path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

trap '' HUP INT QUIT
set -e
furnish
clone
cd "$root"
pivot_root . mnt
cd /
umount -l /mnt

exec env -i HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash \
	PATH=$path TERM="${TERM:-dumb}" perl -e "$init" -- \
	setpriv --reuid "$user" --regid "$user" --init-groups \
	sh -c 'cd ~/vmferry && echo started >&7 && exec "$@" 7>&-' sh "$@"
