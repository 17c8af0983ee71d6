#!/bin/sh
# SPDX-License-Identifier: MIT
# PID 1 of the namespaces of a container (container.py): furnishes its root and
# becomes the systemd in it.
#	container_init.sh IMAGE DIR LAB CGROUP HOST MACHINE-ID
# DIR has upper/ and work/, which it keeps over a boot, and root/, image/; LAB
# is the disk that /lab is; CGROUP a directory of cgroup2 with us in it.
set -eu
unset CDPATH

image=$1 dir=$2 lab=$3 cgroup=$4 host=$5 machine_id=$6
root=$dir/root

# What is of all hosts of this kernel cannot be written to: sysctls, devices.
furnish() {
	mount -o loop,ro "$image/root.ext4" "$dir/image"
	upper=upperdir=$dir/upper,workdir=$dir/work
	mount -t overlay -o "lowerdir=$dir/image,$upper" overlay "$root"
	mount -t proc proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	cat /proc/sys/kernel/random/uuid >"$dir/boot-id"
	mount --bind "$dir/boot-id" "$root/proc/sys/kernel/random/boot_id"
	[ ! -e "$root/proc/sysrq-trigger" ] ||
		mount --bind /dev/null "$root/proc/sysrq-trigger"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount --bind "$cgroup" "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755,nosuid,nodev run "$root/run"
	mount -o loop,ro "$lab" "$root/lab"
	furnish_dev
	echo "$machine_id" >"$root/etc/machine-id"
	echo "$host" >"$root/etc/hostname"
	# the disks are mounted
	: >"$root/etc/fstab"
}

furnish_dev() {
	mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
	mkdir "$root/dev/pts" "$root/dev/shm"
	for name in null zero full random urandom tty; do
		: >"$root/dev/$name"
		mount --bind "/dev/$name" "$root/dev/$name"
	done
	mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts \
		"$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
}

furnish
hostname "$host"
cd "$root"
pivot_root . mnt
umount -l /mnt
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --log-target=journal
