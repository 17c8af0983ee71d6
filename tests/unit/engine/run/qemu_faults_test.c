/* SPDX-License-Identifier: MIT */
/* qemu_faults: which rows of the table concern which guest. */
#include <string.h>

#include "engine/run/qemu_faults.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define GIB (1ull << 30)

static struct strv devices;
static struct qemu_faults_guest g;

/* A guest of 1 GiB that runs under TCG. */
static int setup(void **state)
{
	(void)state;
	g = (struct qemu_faults_guest){
		.machine = "pc-q35-7.2",
		.devices = &devices,
		.ram_bytes = GIB,
		.runs_on_tcg = true,
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	strv_free(&devices);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* The commit that the only fault from @source to @destination names, or "". */
static const char *between(const char *source, const char *destination)
{
	const struct qemu_fault *f;

	g.source = qemu_faults_version(source);
	g.destination = qemu_faults_version(destination);
	f = qemu_faults_next(&g, NULL);
	if (!f)
		return "";
	assert_null(qemu_faults_next(&g, f));
	assert_int_equal(f->verdict, CHECK_FAIL);
	return f->known_from;
}

#define DIRTY_BITS "QEMU commit 03bfc2188f06"
#define REPORTING "QEMU commit 5ed3dabe57dd"
#define VIRTIO_GPU "QEMU commit 40a23ef643"

TEST(versions_are_read_as_qemu_writes_them)
{
	assert_int_equal(qemu_faults_version("7.2.22"),
			 QEMU_FAULTS_VERSION(7, 2, 22));
	assert_int_equal(qemu_faults_version("10.1"),
			 QEMU_FAULTS_VERSION(10, 1, 0));
	assert_int_equal(qemu_faults_version("q35"), 0);
	assert_int_equal(qemu_faults_version("7.999.1"), 0);
	assert_int_equal(qemu_faults_version("-7.2.1"), 0);
	assert_int_equal(qemu_faults_version(""), 0);
	assert_int_equal(qemu_faults_version(NULL), 0);
}

TEST(tcg_before_9_damages_ram_that_is_a_multiple_of_256_kib)
{
	assert_string_equal(between("7.2.22", "7.2.22"), DIRTY_BITS);
	assert_string_equal(between("8.2.10", "10.0.2"), DIRTY_BITS);
	assert_string_equal(between("9.0.0", "9.0.0"), "");
	assert_string_equal(between("10.0.2", "7.2.22"), "");
}

TEST(other_sizes_are_synced_page_by_page)
{
	g.ram_bytes = GIB + (8 << 10);
	assert_string_equal(between("7.2.22", "7.2.22"), "");
	g.ram_bytes = GIB + (256 << 10);
	assert_string_equal(between("7.2.22", "7.2.22"), DIRTY_BITS);
}

TEST(what_is_on_kvm_or_stopped_loses_nothing)
{
	g.runs_on_tcg = false;
	assert_string_equal(between("7.2.22", "7.2.22"), "");
}

static void arrange(const char *machine, const char *device)
{
	g.runs_on_tcg = false;
	g.machine = machine;
	strv_push(&devices, "hpet");
	strv_push(&devices, device);
}

TEST(only_8_0_0_is_at_one_with_itself_about_error_reporting)
{
	arrange("pc-q35-7.2", "pcie-root-port");
	assert_string_equal(between("7.2.22", "8.0.0"), REPORTING);
	assert_string_equal(between("8.0.0", "7.2.22"), REPORTING);
	assert_string_equal(between("8.0.0", "8.0.1"), REPORTING);
	assert_string_equal(between("8.0.0", "8.0.0"), "");
	assert_string_equal(between("7.2.22", "8.0.1"), "");
	assert_string_equal(between("7.2.22", "10.0.2"), "");
}

TEST(without_such_a_device_they_are_at_one)
{
	arrange("pc-i440fx-7.2", "virtio-net-pci");
	assert_string_equal(between("7.2.22", "8.0.0"), "");
}

TEST(newer_machine_types_are_as_8_0_0_has_them)
{
	arrange("pc-q35-8.0", "e1000e");
	assert_string_equal(between("8.0.0", "8.0.1"), "");
	g.machine = "pc-q35-7.1";
	assert_string_equal(between("8.0.0", "8.0.1"), REPORTING);
}

TEST(a_type_without_a_version_is_no_old_one)
{
	arrange("microvm", "e1000e");
	assert_string_equal(between("8.0.0", "8.0.1"), "");
}

TEST(only_9_0_0_reads_its_virtio_gpu)
{
	arrange("pc-q35-8.2", "virtio-vga");
	assert_string_equal(between("9.0.0", "8.2.2"), VIRTIO_GPU);
	assert_string_equal(between("8.2.2", "9.0.0"), VIRTIO_GPU);
	assert_string_equal(between("9.0.0", "9.0.1"), VIRTIO_GPU);
	assert_string_equal(between("8.2.2", "9.0.1"), "");
	assert_string_equal(between("9.0.0", "9.0.0"), "");
	g.machine = "pc-q35-9.0";
	assert_string_equal(between("9.0.0", "9.0.1"), "");
}

TEST(a_version_that_is_not_known_is_not_judged)
{
	arrange("pc-q35-8.2", "virtio-gpu-pci");
	assert_string_equal(between("9.0.0", ""), "");
	assert_string_equal(between("", "9.0.0"), "");
}
