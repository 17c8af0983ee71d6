/* SPDX-License-Identifier: MIT */
/* qmp_blocks: what QEMU answers about its block nodes. */
#include "qmp/qmp_blocks.h"

#include <string.h>

#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define ASK "{\"flat\":true}"

static void chain_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_blocks l;

	expect_ok(qmp_blocks_query(q, &l, SOON, &err), &err);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.v[0].kind, QMP_BLOCK_OTHER);
	assert_string_equal(l.v[0].backing, "base.qcow2");
	assert_string_equal(l.v[0].data, "top.raw");
	assert_false(l.v[0].read_only);
	assert_true(l.v[0].direct);
	assert_false(l.v[0].no_flush || l.v[0].encrypted);
	assert_string_equal(l.v[0].detect_zeroes, "unmap");
	assert_int_equal(l.v[1].kind, QMP_BLOCK_FILE);
	assert_string_equal(l.v[1].node, "#block027");
	assert_string_equal(l.v[1].file, "/srv/top.qcow2");
	assert_null(l.v[1].backing);
	assert_int_equal(l.v[2].kind, QMP_BLOCK_NETWORK);
	assert_true(l.v[2].read_only);
	qmp_blocks_free(&l);
}

TEST(each_node_has_its_driver_file_and_what_is_below)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-named-block-nodes",
		  .args = ASK,
		  .reply = "[{\"node-name\":\"d0\",\"drv\":\"qcow2\","
			   "\"detect_zeroes\":\"unmap\",\"encrypted\":false,"
			   "\"cache\":{\"direct\":true,\"no-flush\":false,"
			   "\"writeback\":true},"
			   "\"ro\":false,\"file\":\"/srv/top.qcow2\","
			   "\"image\":{\"backing-filename\":\"base.qcow2\","
			   "\"format-specific\":{\"type\":\"qcow2\",\"data\":"
			   "{\"data-file\":\"top.raw\"}}}},"
			   "{\"node-name\":\"#block027\",\"drv\":\"file\","
			   "\"ro\":false,\"file\":\"/srv/top.qcow2\","
			   "\"image\":{}},"
			   "{\"drv\":\"nbd\",\"ro\":true,"
			   "\"file\":\"nbd://nas:10809/x\",\"image\":{}}]" },
	};

	WITH_SCRIPT(steps, chain_body);
}

static void broken_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_blocks l;

	assert_int_equal(qmp_blocks_query(q, &l, SOON, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_int_equal(l.n, 0);
	assert_null(l.v);
}

TEST(a_node_without_a_file_is_no_answer)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-named-block-nodes",
		  .args = ASK,
		  .reply = "[{\"drv\":\"file\",\"ro\":false,\"file\":\"/a\","
			   "\"image\":{}},{\"drv\":\"file\",\"ro\":false,"
			   "\"image\":{}}]" },
	};

	WITH_SCRIPT(steps, broken_body);
}

TEST(a_backing_name_that_is_no_text_is_no_answer)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-named-block-nodes",
		  .args = ASK,
		  .reply = "[{\"drv\":\"qcow2\",\"ro\":false,\"file\":\"/a\","
			   "\"image\":{\"backing-filename\":7}}]" },
	};

	WITH_SCRIPT(steps, broken_body);
}

TEST(no_list_is_no_answer)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-named-block-nodes",
		  .args = ASK,
		  .reply = "{}" },
	};

	WITH_SCRIPT(steps, broken_body);
}

TEST(too_many_nodes_are_not_read)
{
	static char reply[64 + 4 * (QMP_BLOCKS_MAX + 2)];
	struct fake_step step = {
		.expect = "query-named-block-nodes",
		.args = ASK,
		.reply = reply,
	};
	char *at = reply;

	*at++ = '[';
	for (int i = 0; i <= QMP_BLOCKS_MAX; i++)
		at = stpcpy(at, i ? ",{}" : "{}");
	strcpy(at, "]");
	with_script(&(struct fake_options){ .version = NULL }, &step, 1,
		    broken_body);
}

static void edges_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_block_edges l;

	expect_ok(qmp_block_edges_query(q, &l, SOON, &err), &err);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0].parent, "d0");
	assert_string_equal(l.v[0].child, "#block1");
	assert_string_equal(l.v[0].name, "file");
	assert_string_equal(l.v[1].parent, "disk");
	assert_string_equal(l.v[1].name, "root");
	qmp_block_edges_free(&l);
	assert_int_equal(qmp_block_edges_query(q, &l, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "no node 3");
	assert_int_equal(l.n, 0);
}

TEST(what_a_node_has_below_it_has_a_name)
{
	static const struct fake_step steps[] = {
		{ .expect = "x-debug-query-block-graph",
		  .reply = "{\"nodes\":[{\"id\":1,\"name\":\"d0\",\"type\":"
			   "\"block-driver\"},{\"id\":2,\"name\":\"#block1\","
			   "\"type\":\"block-driver\"},{\"id\":9,\"name\":"
			   "\"disk\",\"type\":\"block-backend\"}],\"edges\":["
			   "{\"parent\":1,\"child\":2,\"name\":\"file\","
			   "\"perm\":[],\"shared-perm\":[]},{\"parent\":9,"
			   "\"child\":1,\"name\":\"root\",\"perm\":[],"
			   "\"shared-perm\":[]}]}" },
		{ .expect = "x-debug-query-block-graph",
		  .reply = "{\"nodes\":[{\"id\":1,\"name\":\"d0\",\"type\":"
			   "\"block-driver\"}],\"edges\":[{\"parent\":1,"
			   "\"child\":3,\"name\":\"file\",\"perm\":[],"
			   "\"shared-perm\":[]}]}" },
	};

	WITH_SCRIPT(steps, edges_body);
}
