/* SPDX-License-Identifier: MIT */
/*
 * Tests of engine/guest/inventory.c: its pure parts, and a guest without a
 * monitor, for which a copy of this program serves.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/guest/inventory.h"
#include "qmp/json.h"
#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

#define PAUSE "VMFERRY_TEST_PAUSE"

void test_begin(void)
{
	while (getenv(PAUSE))
		pause();
}

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
		"{\"name\":null,\"uuid\":null,\"host\":\"local\",\"user\":null,"
		"\"pid\":42,\"state\":null,\"ram_bytes\":null,\"vcpus\":null,"
		"\"accel\":null,\"disks\":null,"
		"\"monitor\":{\"state\":\"managed\",\"path\":null,"
		"\"holder\":null,\"error\":null},\"started_by\":null,"
		"\"manager\":\"libvirt\",\"defined\":false}");
}

TEST(a_disk_says_where_it_is)
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

static pid_t imitate(const char *program, const char *option)
{
	const char *const argv[] = { program, "-name", "imitation", option,
				     NULL };
	char *env[] = { (char *)PAUSE "=1", NULL };
	int fds[2];
	char byte;
	pid_t pid;

	/* it closes with execve() */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execve(program, (char *const *)(uintptr_t)argv, env);
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	return pid;
}

/* What the list of this machine says of the accelerator of @pid. */
static int kvm_of(pid_t pid)
{
	struct host *h = host_local_new();
	struct inventory inv = { 0 };
	struct err err = { 0 };
	int kvm = -2;

	if (inventory_read(h, &inv, IN_TASK_SOON, &err) < 0)
		fail_with_err(&err);
	for (size_t i = 0; i < inv.n; i++) {
		if (inv.v[i].guest.pid == pid)
			kvm = inv.v[i].kvm;
	}
	inventory_free(&inv);
	host_close(h);
	return kvm;
}

IN_TASK(the_accelerator_is_known_from_the_command_line_alone)
{
	char dir[] = "/tmp/vmferry-inv-XXXXXX";
	AUTO_FREE char *program = NULL, *copy = NULL;
	pid_t with, without;

	assert_non_null(mkdtemp(dir));
	program = xasprintf("%s/qemu-system-x86_64", dir);
	copy = xasprintf("cp /proc/%d/exe %s", (int)getpid(), program);
	assert_int_equal(system(copy), 0);
	with = imitate(program, "-enable-kvm");
	without = imitate(program, "-S");
	assert_int_equal(kvm_of(with), 1);
	assert_int_equal(kvm_of(without), -1);
	kill(with, SIGKILL);
	kill(without, SIGKILL);
	assert_int_equal(waitpid(with, NULL, 0), with);
	assert_int_equal(waitpid(without, NULL, 0), without);
	assert_int_equal(unlink(program), 0);
	assert_int_equal(rmdir(dir), 0);
}
