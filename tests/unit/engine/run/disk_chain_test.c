/* SPDX-License-Identifier: MIT */
/* disk_chain: which files are the guest's disks, and where they will be. */
#include "engine/run/disk_chain.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static struct argv_file files[1];
static struct argv_plan plan;
static struct strv argv;
static struct qmp_block nodes[6];
static struct qmp_blocks blocks;
static struct disk_chain chain;

static struct disk_chain_input input(void)
{
	return (struct disk_chain_input){
		.argv = &argv,
		.cwd = "/vm",
		.plan = &plan,
		.blocks = &blocks,
	};
}

/* /vm/top.qcow2, which is mapped to /new/top.qcow2. */
static int setup(void **state)
{
	(void)state;
	argv = (struct strv){ .n = 0 };
	files[0] = (struct argv_file){
		.kind = ARGV_IMAGE,
		.source = (char *)"/vm/top.qcow2",
		.path = (char *)"/new/top.qcow2",
		.writable = true,
	};
	plan = (struct argv_plan){ .files = files, .n_files = 1 };
	blocks = (struct qmp_blocks){ .v = nodes, .n = 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	disk_chain_free(&chain);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static struct qmp_block *node(const char *driver, const char *file,
			      bool read_only)
{
	struct qmp_block *b = &nodes[blocks.n++];

	*b = (struct qmp_block){
		.kind = qmp_blocks_kind(driver),
		.driver = (char *)driver,
		.file = (char *)file,
		.read_only = read_only,
	};
	return b;
}

static void image(const char *file, const char *backing, bool read_only)
{
	node("qcow2", file, read_only)->backing = (char *)backing;
	node("file", file, read_only);
}

static void make(void)
{
	struct disk_chain_input in = input();

	disk_chain_make(&in, &chain);
}

static void expect(size_t i, const char *source, const char *path,
		   bool read_only)
{
	assert_true(i < chain.n);
	assert_string_equal(chain.v[i].source, source);
	assert_string_equal(chain.v[i].path, path);
	assert_int_equal(chain.v[i].read_only, read_only);
}

TEST(an_image_below_by_a_relative_name_is_mapped_with_the_one_above)
{
	image("top.qcow2", "base.qcow2", false);
	image("/vm/base.qcow2", NULL, true);
	make();
	assert_int_equal(chain.n, 2);
	expect(0, "/vm/top.qcow2", "/new/top.qcow2", false);
	expect(1, "/vm/base.qcow2", "/new/base.qcow2", true);
	assert_true(chain.v[0].named);
	assert_false(chain.v[1].named);
}

TEST(an_absolute_name_is_not_mapped)
{
	image("/vm/top.qcow2", "/vm/base.qcow2", false);
	image("/vm/base.qcow2", "deep/er.qcow2", true);
	image("/vm/deep/er.qcow2", NULL, true);
	make();
	assert_int_equal(chain.n, 3);
	expect(1, "/vm/base.qcow2", "/vm/base.qcow2", true);
	expect(2, "/vm/deep/er.qcow2", "/vm/deep/er.qcow2", true);
}

TEST(a_file_for_the_data_belongs_to_it)
{
	image("/vm/top.qcow2", NULL, false);
	nodes[0].data = (char *)"top.raw";
	node("file", "/vm/top.raw", false);
	make();
	assert_int_equal(chain.n, 2);
	expect(1, "/vm/top.raw", "/new/top.raw", false);
}

TEST(images_that_name_each_other_end)
{
	image("/vm/top.qcow2", "a.qcow2", false);
	image("/vm/a.qcow2", "top.qcow2", true);
	make();
	assert_int_equal(chain.n, 2);
}

TEST(an_image_that_qemu_does_not_have_open_is_of_the_plan)
{
	make();
	assert_int_equal(chain.n, 1);
	expect(0, "/vm/top.qcow2", "/new/top.qcow2", false);
}

TEST(what_else_is_open_is_of_it_unless_the_plan_is_the_users)
{
	struct disk_chain_input in = input();

	node("file", "/vm/other.raw", true);
	make();
	assert_int_equal(chain.n, 2);
	expect(1, "/vm/other.raw", "/vm/other.raw", true);
	disk_chain_free(&chain);
	in.given = true;
	disk_chain_make(&in, &chain);
	assert_int_equal(chain.n, 1);
}

TEST(what_is_written_and_named_by_nothing_is_stray)
{
	image("/vm/top.qcow2", NULL, false);
	nodes[0].data = (char *)"top.raw";
	node("file", "/vm/top.raw", false);
	node("file", "/vm/read.raw", true);
	node("file", "/vm/over.qcow2", false);
	make();
	assert_int_equal(chain.n, 4);
	for (size_t i = 0; i < 3; i++)
		assert_false(chain.v[i].stray);
	assert_true(chain.v[3].stray);
	assert_string_equal(chain.v[3].source, "/vm/over.qcow2");
}

TEST(servers_and_formats_are_no_files)
{
	node("nbd", "nbd://nas/x", false);
	node("raw", "nbd://nas/x", false);
	node("file", "/dev/fdset/7", false);
	make();
	assert_int_equal(chain.n, 1);
}

static bool is_stray(const char *file)
{
	struct qmp_disk d = { .file = (char *)file };
	struct disk_chain_input in = input();

	return disk_chain_is_stray(&in, &d);
}

TEST(another_image_than_the_command_line_names_is_stray)
{
	assert_false(is_stray("top.qcow2"));
	assert_false(is_stray("/vm/./top.qcow2"));
	assert_false(is_stray("host_device:/vm/top.qcow2"));
	assert_false(is_stray("nbd://nas/x"));
	assert_false(is_stray("json:{\"driver\":\"raw\"}"));
	assert_true(is_stray("/vm/snap.qcow2"));
	assert_true(is_stray("snap.qcow2"));
}

static void expect_server(const char *file, enum disk_server server)
{
	struct qmp_block b = { .file = (char *)file };

	assert_int_equal(disk_chain_server(&b), server);
}

TEST(a_server_on_the_host_itself_is_recognised)
{
	static const char *const own[] = {
		"nbd://localhost:10809/x",
		"nbd://127.0.0.1/x",
		"nbd://127.8.9.1:1/x",
		"nbd://[::1]:10809",
		"nbd+unix:///x?socket=/run/nbd",
		"ssh://me@localhost/srv/x",
		"https://127.0.0.1:8443/x.iso",
		"json:{\"driver\":\"nbd\",\"server\":{\"type\":\"unix\","
		"\"path\":\"/run/nbd\"}}",
		"json:{\"server.host\":\"127.0.0.1\",\"driver\":\"nbd\"}",
		"json:{\"driver\":\"raw\",\"file\":{\"driver\":\"nbd\","
		"\"server\":{\"type\":\"inet\",\"host\":\"::1\"}}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		expect_server(own[i], DISK_SERVER_HERE);
}

TEST(another_server_is_recognised)
{
	expect_server("nbd://nas:10809/x", DISK_SERVER_OTHER);
	expect_server("ssh://me@nas/x", DISK_SERVER_OTHER);
	expect_server("json:{\"driver\":\"iscsi\",\"portal\":\"10.0.0.5\"}",
		      DISK_SERVER_OTHER);
	expect_server("json:{\"driver\":\"nbd\"}", DISK_SERVER_UNKNOWN);
	expect_server("json:{", DISK_SERVER_UNKNOWN);
	expect_server("json:[]", DISK_SERVER_UNKNOWN);
	expect_server("rbd:pool/x", DISK_SERVER_UNKNOWN);
	expect_server("nbd://", DISK_SERVER_UNKNOWN);
}
