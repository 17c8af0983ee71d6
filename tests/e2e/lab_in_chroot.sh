#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the lab in a chroot and shows that all around it stays as it was.
# For root, from lab_test.py: unshare -mpf lab_in_chroot.sh KIND LAB-DIRECTORY
# EMPTY-DIRECTORY COMMAND...
#
# KIND says what the new root directory is: a mount, or a plain directory on
# one. COMMAND runs in the chroot, with the lab at /lab/lab; its status is that
# of this script. /run is an empty file system here and all else that is the
# machine's is read-only, so that a lab which goes astray changes nothing.
set -eu
kind=$1 lab=$2 top=$3
shift 3
root=$top/root

mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs outer-run /run
mount -t tmpfs top "$top"
mkdir "$root"
if [ "$kind" = mount ]; then
	mount --bind "$root" "$root"
fi
unset CDPATH
cd "$root"
mkdir -p dev etc lab proc root run srv sys tmp var/lib
for path in /bin /lib /lib32 /lib64 /libx32 /sbin /usr; do
	if [ -L "$path" ]; then
		cp -P "$path" .
	elif [ -d "$path" ]; then
		mkdir ".$path"
		mount --bind "$path" ".$path"
	fi
done
for file in group ld.so.cache nsswitch.conf passwd; do
	cp "/etc/$file" etc/
done
echo 'root:*:1:0:99999:7:::' >etc/shadow
echo chroot >etc/where
mount --bind "$lab" lab
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -o remount,bind,ro /
# What somebody mounts in a copy of this namespace shows up here, too.
mount --make-rshared /

look() {
	find /run -printf '%p %y %T@\n'
	cat /proc/self/mountinfo
}

before=$(look)
status=0
chroot "$root" "$@" || status=$?
after=$(look)
if [ "$before" != "$after" ]; then
	echo "changed from $before to $after"
	exit 99
fi
exit "$status"
