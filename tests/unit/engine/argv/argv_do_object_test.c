/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_object.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/argv_case.h"
#include "transport/base/xalloc.h"
static void devices_and_objects_are_kept_in_order(void **state)
{
	(void)state;
	expect_kept("-device virtio-net-pci,netdev=n,addr=0x3 "
		    "-object iothread,id=i -device qemu-xhci "
		    "-device '{\"driver\":\"usb-tablet\"}' "
		    "-object '{\"qom-type\":\"rng-builtin\",\"id\":\"r\"}' "
		    "-device virtio-scsi,iothread=i");
}

static void secrets_are_listed(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
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

static void hardware_of_the_host_is_refused(void **state)
{
	(void)state;
	expect_refused("-device vfio-pci,host=01:00.0", "hardware");
	expect_refused("-device '{\"driver\":\"vfio-pci-nohotplug\"}'",
		       "hardware");
	expect_refused("-device ivshmem-plain,memdev=m", "shared memory");
	expect_refused("-device virtio-9p-pci,fsdev=f", "9p");
	expect_refused("-device virtio-vga-gl", "graphics");
	expect_refused("-object sev-guest,id=s", "confidential");
}

static void inherited_descriptors_are_refused(void **state)
{
	(void)state;
	expect_refused("-device vhost-vsock-pci,guest-cid=3,vhostfd=4",
		       "inherited");
	expect_refused("-object iommufd,id=i,fd=3", "inherited");
}

static void a_socket_address_can_be_had_once_a_host(void **state)
{
	(void)state;
	expect_kept("-device vhost-vsock-pci,guest-cid=3");
	expect_refused_same("-device vhost-vsock-pci,guest-cid=3", "guest-cid");
}

static void memory_is_not_shared_by_accident(void **state)
{
	static const char file[] =
		"-object memory-backend-file,id=m,size=1G,mem-path=/dev/shm/m,"
		"share=on";
	static const char directory[] =
		"-object memory-backend-file,id=m,size=1G,"
		"mem-path=/dev/hugepages,share=on";

	(void)state;
	expect_kept(file);
	expect_refused_same(file, "memory of the running source");
	expect_same(directory, directory);
	expect_same("-object memory-backend-file,id=m,size=1G,mem-path=/m",
		    "-object memory-backend-file,id=m,size=1G,mem-path=/m");
}

static void a_capture_is_not_emptied(void **state)
{
	(void)state;
	expect_kept("-object filter-dump,id=f,netdev=n,file=/p.pcap");
	expect_refused_same("-object filter-dump,id=f,netdev=n,file=/p.pcap",
			    "capture");
}

static void an_option_rom_with_a_path_is_listed(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
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

static void a_helper_of_the_host_is_warned_of(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
	got = argv_case_other("-device vhost-user-fs-pci,chardev=c,tag=t",
			      &plan);
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "outside of QEMU"));
	argv_plan_free(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_and_objects_are_kept_in_order),
		cmocka_unit_test(secrets_are_listed),
		cmocka_unit_test(hardware_of_the_host_is_refused),
		cmocka_unit_test(inherited_descriptors_are_refused),
		cmocka_unit_test(a_socket_address_can_be_had_once_a_host),
		cmocka_unit_test(memory_is_not_shared_by_accident),
		cmocka_unit_test(a_capture_is_not_emptied),
		cmocka_unit_test(an_option_rom_with_a_path_is_listed),
		cmocka_unit_test(a_helper_of_the_host_is_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
