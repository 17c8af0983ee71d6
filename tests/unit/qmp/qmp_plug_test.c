/* SPDX-License-Identifier: MIT */
/* qmp_plug: devices, and the options that would make them anew. */
#include "qmp/qmp_plug.h"

#include <stdlib.h>
#include <string.h>

#include "qmp/json.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void list_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *label = NULL;
	AUTO_FREE char *unnamed = NULL;
	struct qmp_plugs l;

	expect_ok(qmp_plugs_query(q, &l, SOON, &err), &err);
	assert_int_equal(l.n, 3);
	assert_false(l.v[0].hotplugged);
	assert_true(l.v[1].hotplugged);
	assert_string_equal(l.v[1].path, "/machine/peripheral/late");
	label = qmp_plug_label(&l.v[1]);
	assert_string_equal(label, "late (e1000)");
	assert_null(l.v[2].id);
	unnamed = qmp_plug_label(&l.v[2]);
	assert_string_equal(unnamed, "device[0] (e1000)");
	qmp_plugs_free(&l);
}

TEST(devices_are_listed_with_what_was_plugged_in_later)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-list",
		  .args = "{\"path\":\"/machine/peripheral\"}",
		  .reply = "[{\"name\":\"type\",\"type\":\"string\"},"
			   "{\"name\":\"d0\",\"type\":"
			   "\"child<virtio-blk-pci>\"},"
			   "{\"name\":\"late\",\"type\":\"child<e1000>\"}]" },
		{ .expect = "qom-get",
		  .args = "{\"path\":\"/machine/peripheral/d0\","
			  "\"property\":\"hotplugged\"}",
		  .reply = "false" },
		{ .expect = "qom-get", .reply = "true" },
		{ .expect = "qom-list",
		  .args = "{\"path\":\"/machine/peripheral-anon\"}",
		  .reply = "[{\"name\":\"device[0]\",\"type\":"
			   "\"child<e1000>\"}]" },
		{ .expect = "qom-get", .reply = "true" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps), list_body);
	}
}

static void broken_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_plugs l;

	assert_int_equal(qmp_plugs_query(q, &l, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL,
			"hotplugged of /machine/peripheral/a");
	assert_int_equal(l.n, 0);
}

TEST(what_is_neither_true_nor_false_is_no_answer)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-list",
		  .reply = "[{\"name\":\"a\",\"type\":\"child<x>\"}]" },
		{ .expect = "qom-get", .reply = "\"yes\"" },
	};

	WITH_SCRIPT(steps, broken_body);
}

/* --- the options of a device ---------------------------------------------- */

static struct qmp_plug plug = { .path = (char *)"/machine/peripheral/d",
				.id = (char *)"d",
				.type = (char *)"some-pci" };

static void expect_device(struct qmp *q, const char *option, const char *object,
			  const char *on)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_STRV struct strv objects = { 0 };
	AUTO_FREE char *bus = NULL;
	AUTO_FREE char *text = NULL;
	AUTO_JSON struct json_object *o =
		qmp_plug_device(q, &plug, &objects, &bus, SOON, &err);

	if (!o)
		fail_with_err(&err);
	text = json_line(o);
	assert_string_equal(text, option);
	assert_int_equal(objects.n, object ? 1 : 0);
	if (object)
		assert_string_equal(objects.v[0], object);
	if (on)
		assert_string_equal(bus, on);
	else
		assert_null(bus);
}

static void properties_body(struct qmp *q)
{
	expect_device(q,
		      "{\"driver\":\"some-pci\",\"id\":\"d\",\"bus\":\"pci.0\","
		      "\"addr\":56,\"memdev\":\"more\",\"mac\":\"52:54\"}",
		      "more", "/machine/i440fx/pci.0");
}

#define LISTED(name) "{\"name\":\"" name "\",\"type\":\"x\"},"
#define LISTED_LAST "{\"name\":\"type\",\"type\":\"x\"}]"

TEST(what_is_no_default_and_can_be_given_makes_the_device_anew)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-list",
		  .args = "{\"path\":\"/machine/peripheral/d\"}",
		  .reply = "[" LISTED("parent_bus") LISTED("addr") LISTED(
			  "memdev") LISTED("mac") LISTED("size")
			  LISTED("bootindex") LISTED("rombar") LISTED(
				  "rng") LISTED("x-old") LISTED("attached")
				  LISTED("busnr") LISTED("map") LISTED("serial")
					  LISTED_LAST },
		{ .expect = "qom-get",
		  .args = "{\"path\":\"/machine/peripheral/d\","
			  "\"property\":\"parent_bus\"}",
		  .reply = "\"/machine/i440fx/pci.0\"" },
		{ .expect = "device-list-properties",
		  .args = "{\"typename\":\"some-pci\"}",
		  .reply = "[{\"name\":\"x-old\",\"type\":\"bool\"},"
			   "{\"name\":\"attached\",\"type\":\"bool\"},"
			   "{\"name\":\"busnr\",\"type\":\"busnr\"},"
			   "{\"name\":\"map\",\"type\":\"MappingList\"},"
			   "{\"name\":\"part\",\"type\":\"child<y>\"},"
			   "{\"name\":\"absent\",\"type\":\"str\"},"
			   "{\"name\":\"size\",\"type\":\"uint64\"},"
			   "{\"name\":\"rombar\",\"type\":\"uint32\","
			   "\"default-value\":1},"
			   "{\"name\":\"addr\",\"type\":\"int32\","
			   "\"default-value\":-1},"
			   "{\"name\":\"memdev\",\"type\":\"link<m>\"},"
			   "{\"name\":\"rng\",\"type\":\"link<rng>\"},"
			   "{\"name\":\"serial\",\"type\":\"str\"},"
			   "{\"name\":\"bootindex\",\"type\":\"int32\"},"
			   "{\"name\":\"mac\",\"type\":\"str\"}]" },
		{ .expect = "qom-get", .reply = "[]" },
		{ .expect = "qom-get", .reply = "1" },
		{ .expect = "qom-get", .reply = "56" },
		{ .expect = "qom-get", .reply = "\"/objects/more\"" },
		{ .expect = "qom-get",
		  .reply = "\"/machine/peripheral/d/default\"" },
		{ .expect = "qom-get", .reply = "\"\"" },
		{ .expect = "qom-get", .reply = "-1" },
		{ .expect = "qom-get", .reply = "\"52:54\"" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps),
			    properties_body);
	}
}

static void processor_body(struct qmp *q)
{
	plug.type = (char *)"max-x86_64-cpu";
	expect_device(q,
		      "{\"driver\":\"max-x86_64-cpu\",\"id\":\"d\","
		      "\"core-id\":1,\"socket-id\":0}",
		      NULL, NULL);
	plug.type = (char *)"some-pci";
}

TEST(a_processor_is_made_where_it_is)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-hotpluggable-cpus",
		  .reply = "[{\"props\":{\"core-id\":2},\"vcpus-count\":1,"
			   "\"type\":\"t\"},{\"qom-path\":"
			   "\"/machine/peripheral/d\",\"props\":{\"core-id\":1,"
			   "\"socket-id\":0},\"vcpus-count\":1,"
			   "\"type\":\"t\"}]" },
	};

	WITH_SCRIPT(steps, processor_body);
}

static void port_body(struct qmp *q)
{
	expect_device(q,
		      "{\"driver\":\"some-pci\",\"id\":\"d\",\"port\":\"1.2\"}",
		      NULL, NULL);
}

TEST(the_port_that_qemu_chose_is_the_port)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-list",
		  .reply = "[" LISTED("port") LISTED_LAST },
		{ .expect = "device-list-properties",
		  .reply = "[{\"name\":\"port\",\"type\":\"str\"}]" },
		{ .expect = "qom-get", .reply = "\"\"" },
		{ .expect = "human-monitor-command",
		  .args = "{\"command-line\":\"info usb\"}",
		  .reply = "\"  Device 0.1, Port 1, Speed 12 Mb/s, Product A, "
			   "ID: other\\r\\n  Device 0.2, Port 1.2, Speed 12 "
			   "Mb/s, Product B, ID: d\\r\\n\"" },
	};

	WITH_SCRIPT(steps, port_body);
}

static void refused_body(struct qmp *q)
{
	AUTO_STRV struct strv objects = { 0 };
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *bus = NULL;

	assert_null(qmp_plug_device(q, &plug, &objects, &bus, SOON, &err));
	expect_err_kind(&err, ERR_REFUSED, "its peer is /machine/other");
}

TEST(what_leads_to_another_device_cannot_be_made_anew)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-list",
		  .reply = "[" LISTED("peer") LISTED_LAST },
		{ .expect = "device-list-properties",
		  .reply = "[{\"name\":\"peer\",\"type\":\"link<x>\"}]" },
		{ .expect = "qom-get", .reply = "\"/machine/other\"" },
	};

	WITH_SCRIPT(steps, refused_body);
}

/* --- objects -------------------------------------------------------------- */

static void object_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *text = NULL;
	AUTO_JSON struct json_object *o = qmp_plug_object(q, "io", SOON, &err);

	if (!o)
		fail_with_err(&err);
	text = json_line(o);
	assert_string_equal(text, "{\"qom-type\":\"iothread\",\"id\":\"io\","
				  "\"poll-max-ns\":0,\"poll-grow\":1,"
				  "\"poll-shrink\":2,\"aio-max-batch\":3}");
	assert_null(qmp_plug_object(q, "s", SOON, &err));
	expect_err_kind(&err, ERR_REFUSED, "s is a secret");
}

TEST(an_object_of_a_known_type_is_made_anew)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-get",
		  .args = "{\"path\":\"/objects/io\",\"property\":\"type\"}",
		  .reply = "\"iothread\"" },
		{ .expect = "qom-get", .reply = "0" },
		{ .expect = "qom-get", .reply = "1" },
		{ .expect = "qom-get", .reply = "2" },
		{ .expect = "qom-get", .reply = "3" },
		{ .expect = "qom-get", .reply = "\"secret\"" },
	};

	WITH_SCRIPT(steps, object_body);
}

static void bound_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_null(qmp_plug_object(q, "m", SOON, &err));
	expect_err_kind(&err, ERR_REFUSED, "m is bound to nodes of this host");
}

TEST(memory_that_is_bound_to_nodes_is_not)
{
	static const struct fake_step steps[] = {
		{ .expect = "qom-get", .reply = "\"memory-backend-ram\"" },
		{ .expect = "qom-get", .reply = "1048576" },
		{ .expect = "qom-get", .reply = "false" },
		{ .expect = "qom-get", .reply = "true" },
		{ .expect = "qom-get", .reply = "true" },
		{ .expect = "qom-get", .reply = "false" },
		{ .expect = "qom-get", .reply = "true" },
		{ .expect = "qom-get",
		  .args = "{\"path\":\"/objects/m\",\"property\":\"policy\"}",
		  .reply = "\"bind\"" },
	};

	WITH_SCRIPT(steps, bound_body);
}
