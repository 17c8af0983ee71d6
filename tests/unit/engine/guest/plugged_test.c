/* SPDX-License-Identifier: MIT */
/* plugged: a command line as it would be for the guest as it is now. */
#include "engine/guest/plugged.h"

#include <string.h>

#include "qmp/json.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_applied(const struct plugged *p, const char *argv,
			   const char *expected)
{
	AUTO_STRV struct strv given = { 0 };
	AUTO_STRV struct strv out = { 0 };
	AUTO_FREE char *words = xstrdup(argv);
	AUTO_FREE char *text = NULL;
	char *rest = words;

	for (char *word; (word = strsep(&rest, " "));)
		strv_push(&given, word);
	plugged_apply(p, &given, &out);
	text = strv_join(&out, " ");
	assert_string_equal(text, expected);
}

TEST(nothing_plugged_changes_nothing)
{
	expect_applied(&(struct plugged){ .ids = { 0 } },
		       "qemu -device a,id=x --nodefaults /disk -m 7",
		       "qemu -device a,id=x --nodefaults /disk -m 7");
}

TEST(options_follow_and_what_is_gone_is_left_out)
{
	struct plugged p = { .ids = { 0 } };

	strv_push(&p.gone, "x");
	strv_push(&p.ids, "y");
	strv_push(&p.options, "-device");
	strv_push(&p.options, "new,id=y");
	expect_applied(&p,
		       "qemu -device a,id=x -device {\"driver\":\"a\",\"id\":"
		       "\"y\"} -device a,id=z -device a",
		       "qemu -device a,id=z -device a -device new,id=y");
	plugged_free(&p);
}

/* --- a real one ----------------------------------------------------------- */

static void plug(struct qmp *q, const char *command, const char *args)
{
	AUTO_ERR struct err err = { 0 };
	struct json_object *o = json_parse(args, strlen(args), &err);

	if (!o)
		fail_with_err(&err);
	expect_ok(qmp_call(q, command, o, NULL, SOON, &err), &err);
}

static void real_body(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv argv = { 0 };
	struct plugged p = { .ids = { 0 } };

	(void)r;
	strv_push(&argv, "qemu");
	strv_push(&argv, "-device");
	strv_push(&argv, "usb-ehci,id=gone");
	plug(q, "object-add", "{\"qom-type\":\"iothread\",\"id\":\"io\"}");
	plug(q, "device_add",
	     "{\"driver\":\"virtio-scsi-pci\",\"id\":\"zz\","
	     "\"iothread\":\"io\"}");
	plug(q, "blockdev-add", "{\"driver\":\"null-co\",\"node-name\":\"n\"}");
	plug(q, "device_add",
	     "{\"driver\":\"scsi-hd\",\"id\":\"aa\",\"drive\":\"n\","
	     "\"bus\":\"zz.0\"}");
	plug(q, "netdev_add", "{\"type\":\"user\",\"id\":\"net\"}");
	plug(q, "device_add", "{\"driver\":\"e1000\",\"netdev\":\"net\"}");
	expect_ok(plugged_read(q, &argv, &p, SOON, &err), &err);
	assert_int_equal(p.devices.n, 2);
	assert_true(strv_has(&p.devices, "zz (virtio-scsi-pci)"));
	assert_true(strv_has(&p.devices, "device[0] (e1000)"));
	assert_int_equal(p.refused.n, 1);
	assert_string_equal(p.refused.v[0],
			    "aa (scsi-hd): its node n is of the driver "
			    "null-co");
	assert_int_equal(p.gone.n, 1);
	assert_string_equal(p.gone.v[0], "gone");
	assert_true(strv_has(&p.options, "-object"));
	assert_true(strv_has(&p.options, "user,id=net,restrict=off"));
	plugged_free(&p);
}

TEST(a_real_guest_says_what_was_plugged_in)
{
	static const char *const extra[] = { NULL };

	with_real(extra, real_body);
}
