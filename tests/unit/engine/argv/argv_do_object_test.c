/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_object.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(devices_and_objects_are_kept_in_order)
{
	expect_kept("-device virtio-net-pci,netdev=n,addr=0x3 "
		    "-object iothread,id=i -device qemu-xhci "
		    "-device '{\"driver\":\"usb-tablet\"}' "
		    "-object '{\"qom-type\":\"rng-builtin\",\"id\":\"r\"}' "
		    "-device virtio-scsi,iothread=i");
}

TEST(secrets_are_listed)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_remap("-object secret,id=s,file=/s/key "
			      "-object tls-creds-x509,id=t,dir=/s/pki "
			      "-object secret,id=u,data=x",
			      "/s", "/t", &plan);
	assert_string_equal(got, "-object secret,id=s,file=/t/key "
				 "-object tls-creds-x509,id=t,dir=/t/pki "
				 "-object secret,id=u,data=x");
	assert_int_equal(argv_case_file(&plan, "/t/key")->kind, ARGV_SECRET);
	assert_true(argv_case_file(&plan, "/t/pki")->directory);
	argv_plan_free(&plan);
}

TEST(hardware_of_the_host_is_refused)
{
	expect_refused("-device vfio-pci,host=01:00.0", "hardware");
	expect_refused("-device '{\"driver\":\"vfio-pci-nohotplug\"}'",
		       "hardware");
	expect_refused("-device ivshmem-plain,memdev=m", "shared memory");
	expect_refused("-device virtio-9p-pci,fsdev=f", "9p");
	expect_refused("-device virtio-vga-gl", "graphics");
	expect_refused("-object sev-guest,id=s", "confidential");
}

TEST(inherited_descriptors_are_refused)
{
	expect_refused("-device vhost-vsock-pci,guest-cid=3,vhostfd=4",
		       "inherited");
	expect_refused("-object iommufd,id=i,fd=3", "inherited");
}

TEST(a_socket_address_can_be_had_once_a_host)
{
	expect_kept("-device vhost-vsock-pci,guest-cid=3");
	expect_refused_same("-device vhost-vsock-pci,guest-cid=3", "guest-cid");
}

static enum argv_file_kind kind_of_ram(const char *words)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_same(words, &plan);
	const struct argv_file *f = argv_case_file(&plan, "/m/ram");
	enum argv_file_kind kind;

	assert_string_equal(got, words);
	assert_non_null(f);
	kind = f->kind;
	argv_plan_free(&plan);
	return kind;
}

#define RAM_FILE "-object memory-backend-file,id=m,size=1G,mem-path=/m/ram"

TEST(memory_that_others_can_map_is_known)
{
	assert_int_equal(kind_of_ram(RAM_FILE ",share=on"), ARGV_RAM);
	assert_int_equal(kind_of_ram(RAM_FILE), ARGV_OTHER);
	assert_int_equal(kind_of_ram(RAM_FILE ",share=off"), ARGV_OTHER);
	assert_int_equal(kind_of_ram(RAM_FILE ",share=on,readonly=on"),
			 ARGV_OTHER);
}

TEST(a_capture_is_not_emptied)
{
	expect_kept("-object filter-dump,id=f,netdev=n,file=/p.pcap");
	expect_refused_same("-object filter-dump,id=f,netdev=n,file=/p.pcap",
			    "capture");
}

TEST(an_option_rom_with_a_path_is_listed)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-device e1000,romfile=/r/a.rom "
			      "-device e1000,romfile=efi-e1000.rom "
			      "-device e1000,romfile=",
			      &plan);
	assert_int_equal(plan.n_files, 1);
	assert_int_equal(argv_case_file(&plan, "/r/a.rom")->kind,
			 ARGV_FIRMWARE);
	assert_null(plan.cwd);
	argv_plan_free(&plan);
}

TEST(a_helper_of_the_host_is_warned_of)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-device vhost-user-fs-pci,chardev=c,tag=t",
			      &plan);
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "outside of QEMU"));
	argv_plan_free(&plan);
}
