/* SPDX-License-Identifier: MIT */
/* argv_corpus: command lines as they are found in the wild. */
#include "tests/unit/argv_corpus.h"

#include "transport/base/xalloc.h"

const struct argv_corpus argv_corpus[] = {
	{ "bare", "qemu-system-x86_64", true },
	{ "positional image", "qemu-system-x86_64 -m 1G disk.img", true },
	{ "classic script",
	  "qemu-system-x86_64 -enable-kvm -m 2048 -smp 2 -cpu host "
	  "-hda /srv/images/web.img -cdrom /srv/iso/debian.iso -boot c "
	  "-net nic,model=virtio,macaddr=52:54:00:12:34:56 "
	  "-net user,hostfwd=tcp::2222-:22 -vnc :1 -daemonize "
	  "-pidfile /run/web.pid -monitor unix:/run/web.mon,server,nowait",
	  false },
	{ "script with QMP",
	  "qemu-system-x86_64 -name web1,process=web1 -machine q35,accel=kvm "
	  "-cpu host,migratable=on -m 4G -smp 4,sockets=1,cores=2,threads=2 "
	  "-drive file=/srv/images/web1.qcow2,if=virtio,format=qcow2 "
	  "-netdev tap,id=n0,ifname=tap0,script=no,downscript=no,vhost=on "
	  "-device virtio-net-pci,netdev=n0,mac=52:54:00:aa:bb:cc "
	  "-qmp unix:/run/web1.qmp,server=on,wait=off "
	  "-serial unix:/run/web1.serial,server,nowait -display none "
	  "-rtc base=utc,clock=host -uuid 6F0E7D2A-1111-4222-8333-444455556666",
	  false },
	{ "systemd unit",
	  "/usr/bin/qemu-system-x86_64 -name guest=db2 -nodefaults "
	  "-no-user-config -machine pc-q35-7.2,accel=kvm:tcg "
	  "-m size=16G,slots=4,maxmem=32G -smp 8 "
	  "-object iothread,id=io0 "
	  "-blockdev driver=file,node-name=f0,filename=/srv/db2.raw,aio=native,"
	  "cache.direct=on "
	  "-blockdev driver=raw,node-name=d0,file=f0 "
	  "-device virtio-blk-pci,drive=d0,iothread=io0,bootindex=1,addr=0x5 "
	  "-netdev bridge,id=n0,br=br0 -device virtio-net-pci,netdev=n0 "
	  "-chardev socket,id=mon,path=/run/qemu/db2.qmp,server=on,wait=off "
	  "-mon chardev=mon,mode=control -chardev stdio,id=c0,signal=off "
	  "-serial chardev:c0 -vga none -display none -sandbox on",
	  true },
	{ "libvirt",
	  "/usr/bin/qemu-system-x86_64 -name guest=vm,debug-threads=on -S "
	  "-object '{\"qom-type\":\"secret\",\"id\":\"masterKey0\","
	  "\"format\":\"raw\",\"file\":\"/var/lib/libvirt/qemu/d/key.aes\"}' "
	  "-machine pc-i440fx-7.2,usb=off,dump-guest-core=off,"
	  "memory-backend=pc.ram -accel kvm -cpu host,migratable=on -m 1024 "
	  "-object '{\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\","
	  "\"size\":1073741824}' -overcommit mem-lock=off "
	  "-smp 2,sockets=2,cores=1,threads=1 "
	  "-uuid 11111111-2222-3333-4444-555555555555 -display none "
	  "-no-user-config -nodefaults "
	  "-chardev socket,id=charmonitor,path=/var/lib/libvirt/qemu/m.sock,"
	  "server=on,wait=off -mon chardev=charmonitor,id=monitor,mode=control "
	  "-rtc base=utc -no-shutdown -boot strict=on "
	  "-device '{\"driver\":\"piix3-usb-uhci\",\"id\":\"usb\","
	  "\"bus\":\"pci.0\",\"addr\":\"0x1.0x2\"}' "
	  "-blockdev '{\"driver\":\"file\",\"filename\":\"/images/vm.qcow2\","
	  "\"node-name\":\"s1\",\"read-only\":false,\"discard\":\"unmap\"}' "
	  "-blockdev '{\"node-name\":\"f1\",\"read-only\":false,"
	  "\"driver\":\"qcow2\",\"file\":\"s1\",\"backing\":null}' "
	  "-device '{\"driver\":\"virtio-blk-pci\",\"bus\":\"pci.0\","
	  "\"addr\":\"0x4\",\"drive\":\"f1\",\"id\":\"virtio-disk0\"}' "
	  "-msg timestamp=on",
	  true },
	{ "Proxmox",
	  "/usr/bin/kvm -name vm100,debug-threads=on -no-shutdown "
	  "-chardev socket,id=qmp,path=/var/run/qemu-server/100.qmp,server=on,"
	  "wait=off -mon chardev=qmp,mode=control "
	  "-pidfile /var/run/qemu-server/100.pid -daemonize "
	  "-smbios type=1,uuid=0a0b0c0d-1111-2222-3333-444455556666 "
	  "-smp 4,sockets=1,cores=4,maxcpus=4 -nodefaults "
	  "-vnc unix:/var/run/qemu-server/100.vnc,password=on -m 8192 "
	  "-device pci-bridge,id=pci.1,chassis_nr=1,bus=pci.0,addr=0x1e "
	  "-drive file=/dev/pve/vm-100-disk-0,if=none,id=drive-scsi0,"
	  "format=raw,cache=none,aio=io_uring,detect-zeroes=on "
	  "-device scsi-hd,bus=scsihw0.0,scsi-id=0,drive=drive-scsi0 "
	  "-netdev type=tap,id=net0,ifname=tap100i0,script=/var/lib/qemu/up,"
	  "downscript=/var/lib/qemu/down,vhost=on "
	  "-machine type=pc+pve0",
	  false },
	{ "OVMF",
	  "qemu-system-x86_64 -machine q35,smm=on -m 2G -cpu max "
	  "-global driver=cfi.pflash01,property=secure,value=on "
	  "-drive if=pflash,format=raw,unit=0,readonly=on,"
	  "file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd "
	  "-drive if=pflash,format=raw,unit=1,file=./OVMF_VARS.fd "
	  "-drive file=disk.qcow2,if=none,id=d0 -device virtio-blk,drive=d0 "
	  "-nographic",
	  true },
	{ "pcie root ports",
	  "qemu-system-x86_64 -M q35 -nodefaults -m 1G -display none "
	  "-device pcie-root-port,id=rp1,chassis=1,slot=1 "
	  "-device pcie-root-port,id=rp2,chassis=2,slot=2 "
	  "-device virtio-scsi-pci,bus=rp1,id=scsi0 "
	  "-drive id=d0,if=none,file=/srv/a.raw,format=raw,file.locking=auto "
	  "-device scsi-hd,drive=d0,bus=scsi0.0 "
	  "-device virtio-rng-pci,bus=rp2 -device usb-ehci -device usb-tablet",
	  true },
	{ "nographic",
	  "qemu-system-x86_64 -nographic -m 256 -kernel bzImage "
	  "-append 'console=ttyS0 root=/dev/vda' "
	  "-initrd initrd.img",
	  true },
	{ "mux on the terminal",
	  "qemu-system-x86_64 -m 256 -display none -serial mon:stdio", true },
	{ "chardev mux",
	  "qemu-system-x86_64 -m 256 -vga none -display curses "
	  "-chardev stdio,id=char0,mux=on,logfile=serial.log,signal=off "
	  "-serial chardev:char0 -mon chardev=char0",
	  true },
	{ "window",
	  "qemu-system-x86_64 --enable-kvm --m 4096 "
	  "-display gtk,gl=on -device virtio-vga -usb "
	  "-device usb-tablet "
	  "-audiodev pa,id=snd0 -device intel-hda "
	  "-device hda-duplex,audiodev=snd0",
	  true },
	{ "SPICE",
	  "qemu-system-x86_64 -m 4G -vga qxl -device virtio-serial "
	  "-spice unix=on,addr=/run/user/1000/spice.sock,disable-ticketing=on "
	  "-chardev spicevmc,id=vdagent,name=vdagent "
	  "-device virtserialport,chardev=vdagent,name=com.redhat.spice.0",
	  true },
	{ "comma in paths",
	  "qemu-system-x86_64 -display none -m 128 "
	  "-drive 'file=/srv/a,,b c.img,format=raw' "
	  "-chardev socket,id=c,path=/run/a,,b,server=on,wait=off "
	  "-serial chardev:c -qmp unix:/run/q,,1,server=on,wait=off",
	  true },
	{ "waiting servers",
	  "qemu-system-x86_64 -display none -m 128 "
	  "-chardev socket,id=c,path=/run/c,server -serial chardev:c "
	  "-monitor unix:mon.sock,server,wait",
	  true },
	{ "TPM and vsock",
	  "qemu-system-x86_64 -M q35 -display none -m 2G "
	  "-chardev socket,id=chrtpm,path=/run/swtpm.sock "
	  "-tpmdev emulator,id=tpm0,chardev=chrtpm "
	  "-device tpm-tis,tpmdev=tpm0 -device vhost-vsock-pci,guest-cid=42",
	  false },
	{ "hugepages and NUMA",
	  "qemu-system-x86_64 -display none -m 2G -smp 2 "
	  "-object memory-backend-file,id=m0,size=1G,mem-path=/dev/hugepages,"
	  "prealloc=on -object memory-backend-memfd,id=m1,size=1G "
	  "-numa node,nodeid=0,cpus=0,memdev=m0 "
	  "-numa node,nodeid=1,cpus=1,memdev=m1 -overcommit mem-lock=on",
	  true },
	{ "appliance",
	  "qemu-system-x86_64 -M microvm -nodefaults -no-reboot -display none "
	  "-m 256 -kernel /boot/vmlinux -serial none "
	  "-fw_cfg name=opt/ignition,file=/srv/conf.ign "
	  "-smbios type=11,value=hello -nic none -seed 7 "
	  "-drive id=r,file=/srv/root.img,format=raw,if=none,read-only=on "
	  "-device virtio-blk-device,drive=r",
	  true },
	{ "socket network",
	  "qemu-system-x86_64 -display none -m 128 "
	  "-netdev dgram,id=n0,local.type=unix,local.path=/run/n0.a,"
	  "remote.type=unix,remote.path=/run/n0.b "
	  "-device ne2k_pci,netdev=n0 "
	  "-netdev stream,id=n1,server=on,addr.type=unix,addr.path=/run/n1 "
	  "-device e1000,netdev=n1 -parallel file:/var/log/printer.log",
	  true },
	{ "born of a migration",
	  "qemu-system-x86_64 -display none -m 128 -S -incoming tcp:0:4444 "
	  "-loadvm snap1 -gdb unix:/run/gdb,server=on,wait=off",
	  true },
};
const size_t argv_corpus_n = ARRAY_SIZE(argv_corpus);
