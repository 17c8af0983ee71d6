#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a machine of the fresh Debian that it runs in: systemd, QEMU, sshd, a
# kernel and its initrd. Run by machine_store.py as
#	fresh sh -c "$(cat machine_image.sh)"
# Standard output gets a tar file of root.ext4, vmlinuz and initrd; all that is
# of one lab alone (keys, names, vmferry) is on the disk that /lab is.
set -eu

SIZE=3G
PACKAGES="dbus dbus-user-session e2fsprogs initramfs-tools iproute2 libjson-c5
	libpam-systemd libssh2-1 linux-image-cloud-amd64 openssh-client
	openssh-server procps python3 qemu-system-x86 systemd
	systemd-sysv"

exec 3>&1 >&2
export DEBIAN_FRONTEND=noninteractive

install_packages() {
	# nothing is to be started here
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	mkdir -p /etc/initramfs-tools/conf.d
	printf 'MODULES=list\nCOMPRESS=gzip\n' \
		>/etc/initramfs-tools/conf.d/machine
	printf '%s\n' virtio_pci virtio_blk ext4 >/etc/initramfs-tools/modules
	apt-get update --quiet
	# shellcheck disable=SC2086 # several words
	apt-get install --yes --quiet --no-install-recommends $PACKAGES
	rm /usr/sbin/policy-rc.d
}

# The NIC of the lab's network has 52:54:00:76:66:0N and is 10.77.0.N; the other
# is QEMU's user network.
write_network() {
	for n in 1 2 3 4; do
		cat >"/etc/systemd/network/10-lab-$n.network" <<-END
			[Match]
			MACAddress=52:54:00:76:66:0$n
			[Network]
			Address=10.77.0.$n/24
			LinkLocalAddressing=no
			IPv6AcceptRA=no
		END
	done
	cat >/etc/systemd/network/20-user.network <<-END
		[Match]
		Name=en* eth*
		[Network]
		Address=10.0.2.15/24
		LinkLocalAddressing=no
		IPv6AcceptRA=no
	END
	systemctl enable systemd-networkd.service \
		systemd-networkd-wait-online.service
}

# The same for root and for ferry, an ordinary user; keys are the lab's.
write_ssh() {
	rm -f /etc/ssh/ssh_host_*
	cat >/etc/ssh/sshd_config.d/lab.conf <<-END
		HostKey /lab/ssh_host_ed25519_key
		AuthorizedKeysFile /lab/authorized_keys
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin prohibit-password
		UseDNS no
		MaxStartups 100
		PrintLastLog no
	END
	cat >/etc/ssh/ssh_config.d/lab.conf <<-END
		Host *
		GlobalKnownHostsFile /lab/known_hosts
		IdentityFile /lab/%u/id_ed25519
	END
	# without a password, but not locked
	useradd --create-home --shell /bin/bash --uid 1000 --password '*' ferry
	# a login of root's need not start its user manager each time
	mkdir -p /var/lib/systemd/linger
	: >/var/lib/systemd/linger/root
}

# What takes time at each boot and is of no use here.
slim() {
	systemctl mask apt-daily.timer apt-daily-upgrade.timer \
		dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
		fstrim.timer logrotate.timer man-db.timer \
		systemd-timesyncd.service getty@tty1.service \
		sys-kernel-debug.mount sys-kernel-tracing.mount
	apt-get clean
	rm -rf /root/vmferry /var/lib/apt/lists/* /usr/share/doc/*
}

write_system() {
	printf '%s\n' '/dev/vda / ext4 noatime 0 0' \
		'/dev/vdb /lab ext4 ro 0 0' >/etc/fstab
	mkdir /lab
	: >/etc/machine-id
	ln -sf /lab/hosts /etc/hosts
	: >/etc/hostname
	mkdir -p /etc/systemd/system.conf.d /etc/systemd/user.conf.d \
		/etc/systemd/journald.conf.d
	# emulated ones are slow
	printf '[Manager]\nDefaultTimeoutStartSec=15min\n%s\n' \
		'DefaultTimeoutStopSec=5min' \
		>/etc/systemd/system.conf.d/lab.conf
	cp /etc/systemd/system.conf.d/lab.conf /etc/systemd/user.conf.d
	printf '[Journal]\nStorage=persistent\n' \
		>/etc/systemd/journald.conf.d/lab.conf
	ln -s /lab/bin/vmferry /usr/local/bin/vmferry
}

# What is mounted in this root, as /dev/shm is, does not get into the file.
write_image() {
	top=$(mktemp -d /dev/shm/image.XXXXXX)
	mkdir "$top/root" "$top/out"
	mount --bind / "$top/root"
	umask 077
	cp -L /vmlinuz "$top/out/vmlinuz"
	cp -L /initrd.img "$top/out/initrd"
	truncate -s $SIZE "$top/out/root.ext4"
	mke2fs -q -t ext4 -O ^metadata_csum -E lazy_itable_init=1 \
		-d "$top/root" "$top/out/root.ext4"
	tar -C "$top/out" --sparse -cf - vmlinuz initrd root.ext4 >&3
}

install_packages
write_network
write_ssh
write_system
slim
write_image
