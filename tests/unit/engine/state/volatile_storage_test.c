/* SPDX-License-Identifier: MIT */
/* volatile_storage: what a power cut empties; one claim a test. */
#include "engine/state/volatile_storage.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const char mounts[] =
	"22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
	"23 22 0:5 / /proc rw - proc proc rw\n"
	"30 22 0:41 / /live rw - overlay overlay "
	"rw,lowerdir=/l,upperdir=/run/an\\040upper,workdir=/w\n"
	"31 22 0:4 / /x rw - overlay overlay rw,lowerdir=/a:/b\n";

TEST(the_writable_layer_of_an_overlay_is_found)
{
	AUTO_FREE char *upper = volatile_storage_upper(mounts, "0:41");

	assert_non_null(upper);
	assert_string_equal(upper, "/run/an upper");
}

TEST(other_mounts_have_no_writable_layer)
{
	assert_null(volatile_storage_upper(mounts, "254:0"));
	assert_null(volatile_storage_upper(mounts, "0:4"));
	assert_null(volatile_storage_upper("", "0:4"));
}

TEST(tmpfs_is_volatile_also_for_what_is_to_be_made_there)
{
	const char *what = volatile_storage("/dev/shm");

	if (!what)
		skip();
	assert_string_equal(what, "tmpfs");
	assert_string_equal(volatile_storage("/dev/shm/none/such"), "tmpfs");
}

TEST(proc_is_not)
{
	assert_null(volatile_storage("/proc/self"));
}
