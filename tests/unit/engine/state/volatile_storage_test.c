/* SPDX-License-Identifier: MIT */
/* volatile_storage: what a power cut empties; one claim a test. */
#include "engine/state/volatile_storage.h"

#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

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

static void expect_storage(const char *path, const char *words)
{
	const char *what = volatile_storage(path);

	assert_non_null(what);
	assert_string_equal(what, words);
}

TEST(tmpfs_is_volatile_also_for_what_is_to_be_made_there)
{
	struct statfs fs;

	if (statfs("/dev/shm", &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		skip();
	expect_storage("/dev/shm", "tmpfs");
	expect_storage("/dev/shm/none/such", "tmpfs");
}

static void make_dir(const char *path)
{
	assert_int_equal(mkdir(path, 0700), 0);
}

/* Skips without the rights, or the file system. */
static void mount_at(const char *path, const char *type, const char *options,
		     unsigned long flags)
{
	if (mount("none", path, type, flags, options) < 0) {
		print_message("cannot mount at %s: %s\n", path,
			      strerror(errno));
		skip();
	}
}

/* The mounts are seen by this process only, and end with it. */
TEST(an_overlay_is_as_volatile_as_its_writable_layer)
{
	static const char options[] =
		"lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work";

	if (unshare(CLONE_NEWNS) < 0)
		skip();
	mount_at("/", NULL, NULL, MS_REC | MS_PRIVATE);
	mount_at("/tmp", "tmpfs", NULL, 0);
	make_dir("/tmp/lower");
	make_dir("/tmp/upper");
	make_dir("/tmp/work");
	make_dir("/tmp/merged");
	mount_at("/tmp/merged", "overlay", options, 0);
	expect_storage("/tmp/merged", "an overlay on tmpfs");
	assert_int_equal(umount("/tmp/merged"), 0);
	assert_int_equal(umount("/tmp"), 0);
}

TEST(proc_is_not)
{
	assert_null(volatile_storage("/proc/self"));
}
