/* SPDX-License-Identifier: MIT */
/* Tests of the pure parts of engine/guest/inventory.c. */
#include <stdint.h>
#include <string.h>

#include "engine/guest/inventory.h"
#include "qmp/json.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(network_file_systems_are_shared)
{
	assert_int_equal(inventory_place("nfs"), DISK_SHARED);
	assert_int_equal(inventory_place("ceph"), DISK_SHARED);
	assert_int_equal(inventory_place("gfs/gfs2"), DISK_SHARED);
}

TEST(disks_of_this_machine_are_local)
{
	assert_int_equal(inventory_place("ext2/ext3"), DISK_LOCAL);
	assert_int_equal(inventory_place("xfs"), DISK_LOCAL);
	assert_int_equal(inventory_place("btrfs"), DISK_LOCAL);
}

TEST(what_could_be_either_is_not_guessed)
{
	assert_int_equal(inventory_place("fuseblk"), DISK_UNKNOWN);
	assert_int_equal(inventory_place("fuse"), DISK_UNKNOWN);
	assert_int_equal(inventory_place("UNKNOWN (0x1234)"), DISK_UNKNOWN);
	assert_null(inventory_place_name(DISK_UNKNOWN));
}

TEST(a_guest_that_was_not_asked_has_nulls)
{
	struct guest_view g = {
		.host = (char *)"local",
		.look = LOOK_MANAGED,
		.kvm = -1,
	};
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *line = NULL;

	g.guest.pid = 42;
	g.guest.manager = (char *)"libvirt";
	o = inventory_guest_to_json(&g);
	line = json_line(o);
	assert_string_equal(
		line,
		"{\"name\":null,\"uuid\":null,\"host\":\"local\",\"pid\":42,"
		"\"state\":null,\"ram_bytes\":null,\"vcpus\":null,"
		"\"accel\":null,\"disks\":null,"
		"\"monitor\":{\"state\":\"managed\",\"path\":null,"
		"\"holder\":null,\"error\":null},\"started_by\":null,"
		"\"manager\":\"libvirt\",\"defined\":false}");
}

TEST(a_disk_says_where_it_stands)
{
	struct qmp_disk disk = {
		.device = (char *)"virtio0",
		.file = (char *)"/srv/a.qcow2",
		.driver = (char *)"qcow2",
		.virtual_bytes = 1 << 20,
	};
	enum disk_place place = DISK_SHARED;
	struct guest_view g = {
		.host = (char *)"local",
		.look = LOOK_FREE,
		.disks_known = true,
		.disks = { &disk, 1 },
		.places = &place,
	};
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *line = NULL;

	strcpy(g.state, "running");
	o = inventory_guest_to_json(&g);
	line = json_line(o);
	assert_non_null(strstr(line, "\"state\":\"running\""));
	assert_non_null(strstr(line, "\"accel\":\"tcg\""));
	assert_non_null(strstr(line, "\"disks\":[{\"device\":\"virtio0\","
				     "\"file\":\"/srv/a.qcow2\","
				     "\"driver\":\"qcow2\",\"read_only\":false,"
				     "\"virtual_bytes\":1048576,"
				     "\"storage\":\"shared\"}]"));
}
