/* SPDX-License-Identifier: MIT */
/* plugged_disk: block nodes as options. */
#include "engine/guest/plugged_disk.h"

#include <string.h>

#include "tests/unit/in_task.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static struct qmp_block nodes[4];
static struct qmp_block_edge edges[4];
static struct qmp_blocks blocks;
static struct qmp_block_edges graph;
static struct strv known;

static struct qmp_block node_of(const char *name, const char *driver,
				const char *file)
{
	return (struct qmp_block){ .node = (char *)name,
				   .driver = (char *)driver,
				   .file = (char *)file,
				   .kind = qmp_blocks_kind(driver) };
}

static struct qmp_block_edge edge_of(const char *parent, const char *child,
				     const char *name)
{
	return (struct qmp_block_edge){ (char *)parent, (char *)child,
					(char *)name };
}

/* qcow2 "d0" over a file that QEMU named, and over an image of its own. */
static int setup(void **state)
{
	(void)state;
	nodes[0] = node_of("d0", "qcow2", "/srv/a");
	nodes[1] = node_of("#block1", "file", "/srv/a");
	nodes[2] = node_of("#block2", "qcow2", "/srv/base");
	nodes[3] = node_of("p0", "file", "/srv/b");
	nodes[0].backing = (char *)"base";
	nodes[0].direct = true;
	edges[0] = edge_of("d0", "#block1", "file");
	edges[1] = edge_of("d0", "#block2", "backing");
	edges[2] = edge_of("old", "d0", "root");
	edges[3] = edge_of("#block2", "p0", "file");
	blocks = (struct qmp_blocks){ nodes, ARRAY_SIZE(nodes) };
	graph = (struct qmp_block_edges){ edges, ARRAY_SIZE(edges) };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	strv_free(&known);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static const struct plugged_disk_input in = { &blocks, &graph, &known };

static void expect_options(const char *node, const char *options)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv out = { 0 };
	AUTO_FREE char *text = NULL;

	if (plugged_disk(&in, node, &out, &err) < 0)
		fail_with_err(&err);
	text = strv_join(&out, " ");
	assert_string_equal(text, options);
}

#define FILE_A                                                            \
	"{\"driver\":\"file\",\"read-only\":false,\"cache\":{\"direct\":" \
	"false,\"no-flush\":false},\"filename\":\"/srv/a\"}"
#define CACHED \
	"\"read-only\":false,\"cache\":{\"direct\":true,\"no-flush\":false}"

TEST(what_qemu_named_is_written_inside_and_its_base_is_left_to_it)
{
	expect_options("d0", "-blockdev {\"driver\":\"qcow2\",\"node-name\":"
			     "\"d0\"," CACHED ",\"file\":" FILE_A "}");
}

TEST(a_drive_gives_its_name_to_its_node)
{
	expect_options("old", "-blockdev {\"driver\":\"qcow2\",\"node-name\":"
			      "\"old\"," CACHED ",\"file\":" FILE_A "}");
}

TEST(what_has_a_name_comes_first)
{
	edges[0].child = (char *)"p0";
	nodes[3].detect_zeroes = (char *)"unmap";
	expect_options("d0",
		       "-blockdev {\"driver\":\"file\",\"node-name\":\"p0\","
		       "\"read-only\":false,\"cache\":{\"direct\":false,"
		       "\"no-flush\":false},\"detect-zeroes\":\"unmap\","
		       "\"filename\":\"/srv/b\"} -blockdev {\"driver\":"
		       "\"qcow2\",\"node-name\":\"d0\"," CACHED
		       ",\"file\":\"p0\"}");
	strv_push(&known, "p0");
	expect_options("d0", "-blockdev {\"driver\":\"qcow2\",\"node-name\":"
			     "\"d0\"," CACHED ",\"file\":\"p0\"}");
}

TEST(a_base_with_a_name_is_said)
{
	edges[1].child = (char *)"p0";
	strv_push(&known, "p0");
	expect_options("d0", "-blockdev {\"driver\":\"qcow2\",\"node-name\":"
			     "\"d0\"," CACHED ",\"file\":" FILE_A
			     ",\"backing\":\"p0\"}");
}

TEST(a_base_that_was_left_out_stays_out)
{
	edges[1] = edge_of("x", "y", "file");
	expect_options("d0", "-blockdev {\"driver\":\"qcow2\",\"node-name\":"
			     "\"d0\"," CACHED ",\"file\":" FILE_A
			     ",\"backing\":null}");
}

TEST(what_there_is_an_option_for_is_not_made_again)
{
	strv_push(&known, "d0");
	expect_options("d0", "");
}

static void expect_refused(const char *node, const char *why)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv out = { 0 };

	assert_int_equal(plugged_disk(&in, node, &out, &err), -1);
	expect_err_kind(&err, ERR_REFUSED, why);
}

TEST(other_drivers_are_refused)
{
	nodes[0].driver = (char *)"throttle";
	expect_refused("d0", "driver throttle");
	nodes[0].driver = (char *)"nbd";
	nodes[0].kind = QMP_BLOCK_NETWORK;
	expect_refused("d0", "driver nbd");
}

TEST(what_is_encrypted_or_has_hidden_options_is_refused)
{
	nodes[0].encrypted = true;
	expect_refused("d0", "encrypted");
	nodes[0].encrypted = false;
	nodes[1].file = (char *)"json:{}";
	expect_refused("d0", "only its name has");
}

TEST(data_in_more_than_one_file_is_refused)
{
	edges[2] = edge_of("d0", "p0", "data-file");
	expect_refused("d0", "more than one file");
}

TEST(a_node_that_is_not_there_is_refused)
{
	expect_refused("none", "is not there");
	edges[0].child = (char *)"#gone";
	expect_refused("d0", "#gone is not reported by QEMU");
}

/* A graph that goes round, which no QEMU has. */
TEST(a_circle_ends)
{
	edges[0] = edge_of("d0", "#block2", "file");
	edges[3] = edge_of("#block2", "#block2", "file");
	expect_refused("d0", "is not reported by QEMU");
}
