/* SPDX-License-Identifier: MIT */
/* qmp_images: images that are made active, by command and by asking. */
#include "qmp/qmp_images.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define COMMANDS_OLD "[{\"name\":\"stop\"},{\"name\":\"block-export-add\"}]"
#define COMMANDS_NEW "[{\"name\":\"stop\"},{\"name\":\"blockdev-set-active\"}]"
#define NODE(name, ro)                                                        \
	"{\"node-name\":\"" name "\",\"file\":\"/d/" name ".img\",\"ro\":" ro \
	",\"drv\":\"raw\",\"encrypted\":false,"                               \
	"\"bps\":0,\"bps_rd\":0,\"bps_wr\":0,\"iops\":0,\"iops_rd\":0,"       \
	"\"iops_wr\":0,\"detect_zeroes\":\"off\"}"
#define ASK(name, writable)                              \
	"{\"type\":\"nbd\",\"id\":\"vmferry-activate\"," \
	"\"node-name\":\"" name "\",\"writable\":" writable "}"
#define CONFLICT "Permission conflict on node 'disk': and so on"

static void succeeds(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	expect_ok(qmp_images_activate(q, SOON, &err), &err);
}

TEST(a_command_for_it_is_used_where_there_is_one)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-commands", .reply = COMMANDS_NEW },
		{ .expect = "blockdev-set-active",
		  .args = "{\"active\":true}" },
	};

	with_script(&(struct fake_options){ .version = "10.0.2" }, steps,
		    ARRAY_SIZE(steps), succeeds);
}

static void fails_with_lock(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_images_activate(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_QMP, "\"write\" lock");
}

TEST(a_lock_that_somebody_else_has_is_an_error)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-commands", .reply = COMMANDS_NEW },
		{ .expect = "blockdev-set-active",
		  .error = "Failed to get shared \"write\" lock" },
	};

	with_script(&(struct fake_options){ .version = "10.0.2" }, steps,
		    ARRAY_SIZE(steps), fails_with_lock);
}

TEST(an_export_of_each_node_is_asked_for_elsewhere)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-commands", .reply = COMMANDS_OLD },
		{ .expect = "query-named-block-nodes",
		  .args = "{\"flat\":true}",
		  .reply = "[" NODE("disk", "false") "," NODE(
			  "cd", "true") "," NODE("loose", "false") "]" },
		{ .expect = "block-export-add",
		  .args = ASK("disk", "true"),
		  .error = CONFLICT },
		{ .expect = "block-export-add",
		  .args = ASK("cd", "false"),
		  .error = "NBD server not running" },
		/* with somebody's NBD server an export is made, and removed */
		{ .expect = "block-export-add", .args = ASK("loose", "true") },
		{ .expect = "block-export-del",
		  .args = "{\"id\":\"vmferry-activate\",\"mode\":\"hard\"}" },
	};

	WITH_SCRIPT(steps, succeeds);
}

static void names_the_first(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_images_activate(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_QMP, "/d/one.img is not active");
}

TEST(an_inactive_node_is_named_and_the_others_are_asked_all_the_same)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-commands", .reply = COMMANDS_OLD },
		{ .expect = "query-named-block-nodes",
		  .reply = "[" NODE("one", "false") "," NODE(
			  "two", "false") "," NODE("three", "false") "]" },
		{ .expect = "block-export-add",
		  .error = "Block node is read-only" },
		{ .expect = "block-export-add",
		  .error = "Block node is read-only" },
		{ .expect = "block-export-add", .error = CONFLICT },
	};

	WITH_SCRIPT(steps, names_the_first);
}

TEST(a_qemu_that_cannot_export_has_inactive_images)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-commands",
		  .reply = "[{\"name\":\"stop\"}]" },
		{ .expect = "query-named-block-nodes",
		  .reply = "[" NODE("one", "false") "]" },
		{ .expect = "block-export-add",
		  .error = "The command block-export-add has not been found" },
	};

	WITH_SCRIPT(steps, names_the_first);
}

static void knows_old(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_images_may_be_inactive(q, SOON, &err), 0);
	assert_int_equal(qmp_images_may_be_inactive(q, SOON, &err), 1);
}

TEST(a_qemu_with_the_command_takes_inactive_images)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-commands", .reply = COMMANDS_OLD },
		{ .expect = "query-commands", .reply = COMMANDS_NEW },
	};

	WITH_SCRIPT(steps, knows_old);
}

static bool is_locked(enum err_kind kind, const char *text)
{
	AUTO_ERR struct err e = { 0 };

	err_set(&e, kind, "%s", text);
	err_wrap(&e, ERR_FAILED, "an image");
	return qmp_images_locked(&e);
}

TEST(a_lock_is_known_by_what_qemu_says_of_it)
{
	assert_true(is_locked(ERR_QMP, "Failed to get \"write\" lock"));
	assert_true(is_locked(ERR_QMP, "Failed to get shared \"write\" lock"));
	assert_true(is_locked(ERR_QMP, "Failed to lock byte 101"));
	assert_false(is_locked(ERR_QMP, "Could not open: Permission denied"));
	assert_false(is_locked(ERR_QMP, "Failed to get a block: a lock"));
	/* what somebody else says proves nothing about the `cont` */
	assert_false(is_locked(ERR_CLOSED, "Failed to get \"write\" lock"));
}

static void real_body(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	struct json_object *exports = NULL;

	(void)r;
	expect_ok(qmp_images_activate(q, SOON, &err), &err);
	expect_ok(qmp_call(q, "query-block-exports", NULL, &exports, SOON,
			   &err),
		  &err);
	assert_int_equal(json_object_array_length(exports), 0);
	json_object_put(exports);
}

TEST(a_real_qemu_is_left_without_an_export)
{
	static const char *const extra[] = {
		"-blockdev",
		"driver=null-co,node-name=n0,read-zeroes=on",
		NULL,
	};

	with_real(extra, real_body);
}
