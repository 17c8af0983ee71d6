/* SPDX-License-Identifier: MIT */
/* qmp_ramblocks: the text of HMP, and a real QEMU. */
#include "qmp/qmp_ramblocks.h"

#include <string.h>

#include "qmp/json.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

#define HEAD                                                                   \
	"              Block Name    PSize              Offset               " \
	"Used"
/* As QEMU 7.2.22 prints it, with some page sizes changed to huge ones. */
static const char old[] = HEAD
	"              Total\r\n"
	"                  pc.ram    2 MiB  0x0000000000000000 "
	"0x0000000040000000 0x0000000040000000\r\n"
	"    0000:00:02.0/vga.vram    4 KiB  0x0000000040080000 "
	"0x0000000001000000 0x0000000001000000\r\n"
	"                      m1    1 GiB  0x0000000080000000 "
	"0x0000000080000000 0x0000000080000000\r\n"
	"                      m2    2 MiB  0x0000000180000000 "
	"0x0000000000300000 0x0000000000300000\r\n";
/* The same with columns that it does not have. */
static const char new[] = HEAD
	"              Total                HVA  RO\r\n"
	"                  pc.ram    2 MiB  0x0000000000000000 "
	"0x0000000008002000 0x0000000008002000 0x00007f1e4be00000  rw\r\n";

static uint64_t bytes_of(const struct qmp_ramblocks *b, uint64_t page)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->v[i].page_bytes == page)
			return b->v[i].bytes;
	}
	return 0;
}

TEST(huge_pages_are_added_up_by_size)
{
	struct qmp_ramblocks b;

	qmp_ramblocks_parse(old, &b);
	assert_int_equal(b.n, 2);
	/* 3 MiB take two pages */
	assert_int_equal(bytes_of(&b, 2 << 20), (1024 + 4) << 20);
	assert_true(bytes_of(&b, 1 << 30) == 2ull << 30);
}

TEST(more_columns_are_passed_over)
{
	struct qmp_ramblocks b;

	qmp_ramblocks_parse(new, &b);
	assert_int_equal(b.n, 1);
	assert_int_equal(bytes_of(&b, 2 << 20), 130 << 20);
}

TEST(other_text_has_none)
{
	static const char *const texts[] = {
		"",
		"unknown command: 'info ramblock'\r\n",
		"a 2 PiB 0x0 0x1 0x1\n",
		"a 0 GiB 0x0 0x1 0x1\n",
		"a 99999 GiB 0x0 0x1 0x1\n",
		"a 2 MiB 0x0 0xffffffffffffffff 0x1\n",
		"a 2 MiB\n",
	};
	struct qmp_ramblocks b;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		qmp_ramblocks_parse(texts[i], &b);
		assert_int_equal(b.n, 0);
	}
}

TEST(more_sizes_than_there_are_do_not_overflow)
{
	AUTO_BUF struct buf text = { 0 };
	struct qmp_ramblocks b;

	for (int i = 1; i < 40; i++)
		buf_printf(&text, "b %d MiB 0x0 0x1000 0x1000\n", i);
	qmp_ramblocks_parse(buf_data(&text), &b);
	assert_int_equal(b.n, QMP_RAMBLOCKS_SIZES);
}

static void asks_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_ramblocks b;

	expect_ok(qmp_ramblocks_huge(q, &b, SOON, &err), &err);
	assert_int_equal(bytes_of(&b, 2 << 20), 4 << 20);
	expect_ok(qmp_ramblocks_huge(q, &b, SOON, &err), &err);
	assert_int_equal(b.n, 0);
}

TEST(the_command_suits_all_versions)
{
	static const struct fake_step steps[] = {
		{ .expect = "human-monitor-command",
		  .args = "{\"command-line\":\"info ramblock\"}",
		  .reply = "\"m 2 MiB 0x0 0x400000 0x400000\\r\\n\"" },
		{ .expect = "human-monitor-command", .error = "no HMP here" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps), asks_body);
	}
}

static void real(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_JSON struct json_object *reply = NULL;
	struct qmp_ramblocks b;
	const char *text;
	char *at;

	(void)r;
	expect_ok(qmp_ramblocks_huge(q, &b, SOON, &err), &err);
	assert_int_equal(b.n, 0);
	expect_ok(qmp_call(q, "human-monitor-command",
			   json_add_str(json_new(), "command-line",
					"info ramblock"),
			   &reply, SOON, &err),
		  &err);
	/* the same text with a huge page in it is understood */
	text = json_object_get_string(reply);
	at = strstr(text, "pc.ram    4 KiB");
	assert_non_null(at);
	memcpy(at + strlen("pc.ram    "), "2 MiB", strlen("2 MiB"));
	qmp_ramblocks_parse(text, &b);
	assert_int_equal(bytes_of(&b, 2 << 20), 130 << 20);
}

TEST(a_real_qemu_s_text_is_understood)
{
	with_real(NULL, real);
}
