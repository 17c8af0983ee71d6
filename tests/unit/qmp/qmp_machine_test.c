/* SPDX-License-Identifier: MIT */
/* qmp_machine: each command against all schemas, and a real QEMU. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qmp/json.h"
#include "qmp/qmp_machine.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void numbers_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *type = NULL;
	unsigned int vcpus = 0;
	uint64_t bytes = 0;
	bool kvm = false;

	expect_ok(qmp_machine_type(q, &type, SOON, &err), &err);
	assert_string_equal(type, "pc-i440fx-7.2");
	expect_ok(qmp_memory_bytes(q, &bytes, SOON, &err), &err);
	assert_true(bytes == 5000000000);
	expect_ok(qmp_vcpu_count(q, &vcpus, SOON, &err), &err);
	assert_int_equal(vcpus, 2);
	expect_ok(qmp_kvm_enabled(q, &kvm, SOON, &err), &err);
	assert_true(kvm);
}

static void lists_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv types = { 0 };
	AUTO_STRV struct strv jobs = { 0 };
	AUTO_FREE char *all = NULL;
	AUTO_FREE char *text = NULL;
	struct qmp_disks disks;

	expect_ok(qmp_device_types(q, &types, SOON, &err), &err);
	all = strv_join(&types, ",");
	assert_string_equal(all, "e1000,virtio-vga,ioh3420");
	expect_ok(qmp_query_jobs(q, &jobs, SOON, &err), &err);
	text = strv_join(&jobs, ",");
	assert_string_equal(text, "mirror j1 ready");
	expect_ok(qmp_query_disks(q, &disks, SOON, &err), &err);
	assert_int_equal(disks.n, 1);
	assert_string_equal(disks.v[0].device, "");
	assert_string_equal(disks.v[0].qdev, "/machine/peripheral/d0");
	assert_string_equal(disks.v[0].node_name, "n0");
	assert_string_equal(disks.v[0].file, "/var/a.qcow2");
	assert_string_equal(disks.v[0].driver, "qcow2");
	assert_true(disks.v[0].read_only);
	assert_true(disks.v[0].limited);
	assert_true(disks.v[0].virtual_bytes == 10000000000);
	qmp_disks_free(&disks);
}

static void every_command_body(struct qmp *q)
{
	numbers_body(q);
	lists_body(q);
}

TEST(every_command_suits_all_versions)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-get",
		  .args = "{\"path\":\"/machine\",\"property\":\"type\"}",
		  .reply = "\"pc-i440fx-7.2-machine\"" },
		{ .expect = "query-memory-size-summary",
		  .reply = "{\"base-memory\":4000000000,"
			   "\"plugged-memory\":1000000000}" },
		{ .expect = "query-cpus-fast", .reply = "[{},{}]" },
		{ .expect = "query-kvm",
		  .reply = "{\"enabled\":true,\"present\":true}" },
		{ .expect = "qom-list",
		  .args = "{\"path\":\"/machine/peripheral\"}",
		  .reply = "[{\"name\":\"type\",\"type\":\"string\"},"
			   "{\"name\":\"n\",\"type\":\"child<e1000>\"}]" },
		{ .expect = "qom-list",
		  .args = "{\"path\":\"/machine/peripheral-anon\"}",
		  .reply = "[]" },
		{ .expect = "qom-list",
		  .args = "{\"path\":\"/machine/unattached\"}",
		  .reply = "[{\"name\":\"device[0]\",\"type\":"
			   "\"child<virtio-vga>\"},"
			   "{\"name\":\"bus\",\"type\":\"link<bus>\"},"
			   "{\"name\":\"device[1]\",\"type\":"
			   "\"child<ioh3420>\"}]" },
		{ .expect = "query-jobs",
		  .reply = "[{\"id\":\"j1\",\"type\":\"mirror\","
			   "\"status\":\"ready\"},{\"id\":\"j0\","
			   "\"type\":\"create\",\"status\":\"concluded\"}]" },
		{ .expect = "query-block",
		  .reply = "[{\"device\":\"ide1-cd0\",\"removable\":true},"
			   "{\"device\":\"\",\"qdev\":"
			   "\"/machine/peripheral/d0\",\"inserted\":"
			   "{\"node-name\":\"n0\",\"file\":\"/var/a.qcow2\","
			   "\"bps\":0,\"iops_wr\":7,"
			   "\"drv\":\"qcow2\",\"ro\":true,\"image\":"
			   "{\"virtual-size\":10000000000}}}]" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps),
			    every_command_body);
	}
}

static void broken_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv list = { 0 };
	struct qmp_disks disks;
	char *type = NULL;
	uint64_t bytes;

	assert_int_equal(qmp_machine_type(q, &type, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "type of /machine");
	assert_int_equal(qmp_memory_bytes(q, &bytes, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "impossible sizes");
	assert_int_equal(qmp_query_jobs(q, &list, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "query-jobs: expected a list");
	assert_int_equal(qmp_query_disks(q, &disks, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "query-block.drv: missing");
	assert_int_equal(disks.n, 0);
}

TEST(broken_answers_are_refused)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-get", .reply = "5" },
		{ .expect = "query-memory-size-summary",
		  .reply = "{\"base-memory\":18446744073709551615,"
			   "\"plugged-memory\":1}" },
		{ .expect = "query-jobs", .reply = "{}" },
		{ .expect = "query-block",
		  .reply =
			  "[{\"device\":\"\",\"inserted\":{\"file\":\"x\"}}]" },
	};

	WITH_SCRIPT(steps, broken_body);
}

/* --- images -------------------------------------------------------------- */

static void images_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_images l;

	expect_ok(qmp_query_images(q, &l, SOON, &err), &err);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0].file, "/s/top");
	assert_string_equal(l.v[0].backing, "base");
	assert_string_equal(l.v[1].file, "/s/base");
	assert_null(l.v[1].backing);
	assert_string_equal(l.v[2].file, "/dev/x");
	qmp_images_free(&l);
}

TEST(images_are_listed_with_what_is_below_them)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-named-block-nodes",
		  .reply = "[{\"file\":\"/s/top\",\"drv\":\"qcow2\","
			   "\"image\":{\"backing-filename\":\"base\"}},"
			   "{\"file\":\"/s/top\",\"drv\":\"file\","
			   "\"image\":{}},"
			   "{\"file\":\"/s/base\",\"drv\":\"file\","
			   "\"image\":{}},"
			   "{\"file\":\"nbd://h\",\"drv\":\"nbd\","
			   "\"image\":{}},"
			   "{\"file\":\"/dev/x\",\"drv\":\"host_device\","
			   "\"image\":{}}]" },
	};

	WITH_SCRIPT(steps, images_body);
}

/* --- a real one ---------------------------------------------------------- */

static void real_numbers(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv jobs = { 0 };
	AUTO_FREE char *type = NULL;
	unsigned int vcpus = 0;
	uint64_t bytes = 0;
	bool kvm = true;

	(void)r;
	expect_ok(qmp_machine_type(q, &type, SOON, &err), &err);
	assert_memory_equal(type, "pc-i440fx-", strlen("pc-i440fx-"));
	expect_ok(qmp_memory_bytes(q, &bytes, SOON, &err), &err);
	assert_int_equal(bytes, 131080 * 1024);
	expect_ok(qmp_vcpu_count(q, &vcpus, SOON, &err), &err);
	assert_int_equal(vcpus, 2);
	expect_ok(qmp_kvm_enabled(q, &kvm, SOON, &err), &err);
	assert_false(kvm);
	expect_ok(qmp_query_jobs(q, &jobs, SOON, &err), &err);
	assert_int_equal(jobs.n, 0);
}

TEST(a_real_qemu_reports_its_machine)
{
	static const char *const extra[] = { "-smp", "2", NULL };

	with_real(extra, real_numbers);
}

static void lists_vga(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv types = { 0 };

	(void)r;
	expect_ok(qmp_device_types(q, &types, SOON, &err), &err);
	assert_true(strv_has(&types, "virtio-rng-pci"));
	assert_true(strv_has(&types, "virtio-balloon-pci"));
	/* -vga has no -device */
	assert_true(strv_has(&types, "cirrus-vga"));
}

TEST(a_real_qemu_lists_what_it_was_given_in_whatever_way)
{
	static const char *const extra[] = {
		"-device", "virtio-rng-pci,id=early",
		"-device", "virtio-balloon-pci",
		"-vga",	   "cirrus",
		NULL,
	};

	with_real(extra, lists_vga);
}

static void lists_no_controller(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv types = { 0 };

	(void)r;
	expect_ok(qmp_device_types(q, &types, SOON, &err), &err);
	assert_false(strv_has(&types, "PIIX4"));
	assert_false(strv_has(&types, "piix3-ide"));
}

TEST(a_real_qemu_without_a_machine_lists_no_disk_controller)
{
	static const char *const extra[] = { "-M", "none", NULL };

	with_real(extra, lists_no_controller);
}

static void add_disk(struct qmp *q, const char *path)
{
	AUTO_ERR struct err err = { 0 };
	struct json_object *file = json_new();
	struct json_object *args = json_new();

	json_add_str(json_add_str(file, "driver", "file"), "filename", path);
	json_add_str(json_add_str(args, "driver", "raw"), "node-name", "n0");
	json_add_bool(json_add_sub(args, "file", file), "read-only", true);
	expect_ok(qmp_call(q, "blockdev-add", args, NULL, SOON, &err), &err);
	args = json_add_str(json_new(), "driver", "virtio-blk-pci");
	json_add_str(json_add_str(args, "drive", "n0"), "id", "d0");
	expect_ok(qmp_call(q, "device_add", args, NULL, SOON, &err), &err);
}

static void disks(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *path = xasprintf("%s/disk.raw", real_qemu_dir(r));
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct qmp_disks d;

	assert_int_equal(ftruncate(fd, 1024 * 1024), 0);
	expect_ok(qmp_query_disks(q, &d, SOON, &err), &err);
	assert_int_equal(d.n, 0);
	qmp_disks_free(&d);
	add_disk(q, path);
	expect_ok(qmp_query_disks(q, &d, SOON, &err), &err);
	assert_int_equal(d.n, 1);
	assert_string_equal(d.v[0].device, "");
	assert_string_equal(d.v[0].node_name, "n0");
	assert_string_equal(d.v[0].file, path);
	assert_string_equal(d.v[0].driver, "raw");
	assert_non_null(strstr(d.v[0].qdev, "d0"));
	assert_true(d.v[0].read_only);
	assert_int_equal(d.v[0].virtual_bytes, 1024 * 1024);
	qmp_disks_free(&d);
}

TEST(the_disks_of_a_real_qemu_are_listed)
{
	static const char *const extra[] = {
		"-device",
		"ide-cd,bus=ide.0",
		NULL,
	};

	with_real(extra, disks);
}
