/* SPDX-License-Identifier: MIT */
/* qmp_memory: each command against all schemas, and a real QEMU. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qmp/qmp_memory.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

static int new_memfd(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void commands_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int fd = new_memfd();
	struct qmp_added_fd added;
	uint64_t bytes;

	expect_ok(qmp_add_fd(q, fd, "a label", &added, SOON, &err), &err);
	assert_int_equal(added.set, 2);
	assert_int_equal(added.fd, 31);
	expect_ok(qmp_pmemsave(q, 1ull << 31, 65536, "/proc/self/fd/31", SOON,
			       &err),
		  &err);
	expect_ok(qmp_remove_fd(q, &added, SOON, &err), &err);
	expect_ok(qmp_base_memory_bytes(q, &bytes, SOON, &err), &err);
	assert_true(bytes == 4000000000);
	expect_ok(qmp_ram_below_4g_bytes(q, &bytes, SOON, &err), &err);
	assert_true(bytes == 1ull << 30);
}

TEST(every_command_suits_all_versions)
{
	static const struct fake_step steps[] = {
		{ .expect = "add-fd",
		  .args = "{\"opaque\":\"a label\"}",
		  .fd = true,
		  .reply = "{\"fdset-id\":2,\"fd\":31}" },
		{ .expect = "pmemsave",
		  .args = "{\"val\":2147483648,\"size\":65536,"
			  "\"filename\":\"/proc/self/fd/31\"}" },
		{ .expect = "remove-fd", .args = "{\"fdset-id\":2,\"fd\":31}" },
		{ .expect = "query-memory-size-summary",
		  .reply = "{\"base-memory\":4000000000,"
			   "\"plugged-memory\":1000000000}" },
		{ .expect = "qom-get",
		  .args = "{\"path\":\"/machine\","
			  "\"property\":\"max-ram-below-4g\"}",
		  .reply = "1073741824" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps), commands_body);
	}
}

static void no_property_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	uint64_t bytes = 7;

	expect_ok(qmp_ram_below_4g_bytes(q, &bytes, SOON, &err), &err);
	assert_true(bytes == 0);
	assert_int_equal(qmp_ram_below_4g_bytes(q, &bytes, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "max-ram-below-4g");
}

TEST(a_machine_without_the_property_has_no_limit)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-get",
		  .error = "Property 'microvm-machine.max-ram-below-4g' "
			   "not found" },
		{ .expect = "qom-get", .reply = "\"much\"" },
	};

	WITH_SCRIPT(steps, no_property_body);
}

static void odd_answer_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int fd = new_memfd();
	struct qmp_added_fd added;

	assert_int_equal(qmp_add_fd(q, fd, "x", &added, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "add-fd.fd");
}

TEST(an_answer_without_a_number_is_refused)
{
	static const struct fake_step steps[] = {
		{ .expect = "add-fd", .fd = true, .reply = "{\"fdset-id\":2}" },
	};

	WITH_SCRIPT(steps, odd_answer_body);
}

static void labelled_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	expect_ok(qmp_remove_labelled_fds(q, "mine", SOON, &err), &err);
	expect_ok(qmp_remove_labelled_fds(q, "mine", SOON, &err), &err);
}

TEST(copies_are_found_by_their_label)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-fdsets",
		  .reply = "[{\"fdset-id\":1,\"fds\":[{\"fd\":5},"
			   "{\"fd\":6,\"opaque\":\"other\"}]},"
			   "{\"fdset-id\":3,\"fds\":["
			   "{\"fd\":7,\"opaque\":\"mine\"}]}]" },
		{ .expect = "remove-fd", .args = "{\"fdset-id\":3,\"fd\":7}" },
		{ .expect = "query-fdsets", .reply = "[]" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps), labelled_body);
	}
}

/* --- a monitor that is no socket ----------------------------------------- */

struct pump {
	struct stream *from, *to;
};

static void pump_task(void *arg)
{
	const struct pump *p = arg;
	char data[4096];
	ssize_t n;

	while ((n = stream_read(p->from, data, sizeof(data), SOON, NULL)) > 0 &&
	       stream_write(p->to, data, (size_t)n, SOON, NULL) == 0)
		;
}

static void pipe_body(void *arg)
{
	struct fake_qemu *fake = arg;
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int memory = new_memfd();
	int fd = fake_qemu_take_fd(fake);
	struct stream *monitor = stream_fd_new(fd, fd);
	int in[2], out[2];
	struct pump there, back;
	struct qmp_added_fd added;
	struct task *t, *b;
	uint64_t bytes;
	struct qmp *q;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	there = (struct pump){ stream_fd_new(out[0], -1), monitor };
	back = (struct pump){ monitor, stream_fd_new(-1, in[1]) };
	t = task_start(task_loop(), "there", pump_task, &there);
	b = task_start(task_loop(), "back", pump_task, &back);
	q = qmp_open(stream_fd_new(in[0], out[1]), "source", SOON, &err);
	expect_ok(q ? 0 : -1, &err);
	assert_int_equal(qmp_add_fd(q, memory, "x", &added, SOON, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "no UNIX socket");
	expect_ok(qmp_base_memory_bytes(q, &bytes, SOON, &err), &err);
	qmp_close(q);
	task_join(t);
	task_cancel(b);
	task_join(b);
	stream_close(there.from);
	stream_close(back.to);
	stream_close(monitor);
}

TEST(a_monitor_that_takes_none_goes_on_answering)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-memory-size-summary",
		  .reply = "{\"base-memory\":1,\"plugged-memory\":0}" },
	};
	struct fake_qemu *fake =
		fake_qemu_start(&(struct fake_options){ .version = NULL },
				steps, ARRAY_SIZE(steps));
	AUTO_FREE char *problem = NULL;

	in_task(pipe_body, fake);
	problem = fake_qemu_end(fake);
	assert_null(problem);
}

/* --- a real one ---------------------------------------------------------- */

/* The end of the BIOS's ROM. */
enum { ROM_BYTES = 65536 };
static const uint64_t rom_at = 0xffff0000;

static void real_body(struct qmp *q, struct real_qemu *r)
{
	static const char reset_jump = (char)0xea;
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int fd = new_memfd();
	AUTO_FREE char *path = NULL;
	struct qmp_added_fd added;
	struct stat st;
	char byte;

	(void)r;
	expect_ok(qmp_add_fd(q, fd, "test", &added, SOON, &err), &err);
	path = xasprintf("/proc/self/fd/%d", (int)added.fd);
	expect_ok(qmp_pmemsave(q, rom_at, ROM_BYTES, path, SOON, &err), &err);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, ROM_BYTES);
	/* where a PC begins, 16 bytes below 4 GiB, is a far jump */
	assert_int_equal(pread(fd, &byte, 1, 0xfff0), 1);
	assert_true(byte == reset_jump);
	expect_ok(qmp_remove_labelled_fds(q, "test", SOON, &err), &err);
	assert_int_equal(qmp_remove_fd(q, &added, SOON, &err), -1);
	expect_err_kind(&err, ERR_QMP, "remove-fd");
}

TEST(a_real_qemu_writes_memory_into_our_descriptor)
{
	with_real(NULL, real_body);
}

static void refused_body(struct qmp *q)
{
	struct err err = { 0 };
	uint64_t bytes = 7;

	assert_int_equal(qmp_base_memory_bytes(q, &bytes, SOON, &err), -1);
	expect_err_kind(&err, err.kind, "not today");
	assert_int_equal(bytes, 7);
}

TEST(a_size_that_is_refused_is_not_known)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-memory-size-summary", .error = "not today" },
	};

	WITH_SCRIPT(steps, refused_body);
}
