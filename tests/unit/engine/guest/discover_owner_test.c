/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/discover_owner.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/guest/discover_owner.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void owner(struct guest *g, const char *argv, const char *group,
		  const char *parent)
{
	AUTO_STRV struct strv up = { .v = NULL };

	*g = (struct guest){ .pid = 1 };
	argv_case_split(argv, &g->argv);
	argv_case_split(parent, &up);
	discover_owner(g, group, &up);
}

static void expect_manager(const char *argv, const char *group,
			   const char *expected)
{
	struct guest g;

	owner(&g, argv, group, "");
	if (expected)
		assert_string_equal(g.manager, expected);
	else
		assert_null(g.manager);
	guest_free(&g);
}

TEST(managers_are_known_by_their_marks)
{
	expect_manager("q -chardev socket,path=/var/lib/libvirt/qemu/x/m.sock",
		       "", "libvirt");
	expect_manager("q -object secret,file=/home/u/.config/libvirt/qemu/lib/"
		       "d/k",
		       "", "libvirt");
	expect_manager("q", "0::/machine.slice/machine-qemu\\x2d1.scope",
		       "libvirt");
	expect_manager("q -pidfile /var/run/qemu-server/100.pid", "",
		       "proxmox");
	expect_manager("q", "0::/qemu.slice/100.scope", "proxmox");
	expect_manager("q -readconfig /run/incus/v1/qemu.conf", "", "incus");
	expect_manager("q -D /var/snap/lxd/common/lxd/logs/v/qemu.log", "",
		       "lxd");
	expect_manager("q -pidfile /run/ganeti/kvm-hypervisor/pid/a", "",
		       "ganeti");
}

TEST(a_script_is_no_manager)
{
	expect_manager("q -name guest=a,debug-threads=on "
		       "-qmp unix:/run/a,server",
		       "0::/system.slice/qemu@a.service", NULL);
	expect_manager("q", "", NULL);
}

static void expect_unit(const char *group, const char *expected)
{
	struct guest g;

	owner(&g, "q", group, "");
	if (expected)
		assert_string_equal(g.unit, expected);
	else
		assert_null(g.unit);
	guest_free(&g);
}

TEST(the_innermost_unit_is_found)
{
	expect_unit("0::/system.slice/qemu@web1.service", "qemu@web1.service");
	expect_unit("0::/user.slice/user-0.slice/user@0.service/app.slice/"
		    "g.service",
		    "g.service");
	expect_unit("0::/system.slice/a.service/sub/group", "a.service");
	expect_unit("0::/system.slice/vm.scope", "vm.scope");
	expect_unit("12:cpu:/x\n1:name=systemd:/system.slice/b.service\n0::/",
		    "b.service");
}

TEST(a_login_is_no_unit)
{
	expect_unit("0::/user.slice/user-0.slice/session-3.scope", NULL);
	expect_unit("0::/user.slice/user-0.slice/user@0.service/init.scope",
		    NULL);
	expect_unit("0::/", NULL);
	expect_unit("", NULL);
}

TEST(the_unified_group_is_kept)
{
	struct guest g;

	owner(&g, "q", "1:name=systemd:/a\n0::/b/c\n", "");
	assert_string_equal(g.cgroup, "/b/c");
	guest_free(&g);
	owner(&g, "q", "", "");
	assert_string_equal(g.cgroup, "");
	guest_free(&g);
}

static void expect_starter(const char *group, const char *parent,
			   const char *expected)
{
	struct guest g;

	owner(&g, "q", group, parent);
	if (expected)
		assert_string_equal(g.started_by, expected);
	else
		assert_null(g.started_by);
	guest_free(&g);
}

TEST(the_starter_is_a_service_a_script_or_a_command)
{
	expect_starter("0::/system.slice/a.service", "/bin/sh /x", "a.service");
	expect_starter("0::/session-1.scope", "/bin/bash -e /root/run.sh db",
		       "/root/run.sh");
	expect_starter("", "python3 -u vm.py", "vm.py");
	expect_starter("", "-bash", "bash");
	expect_starter("", "sh -c x", "sh");
	expect_starter("", "/bin/sh /dev/fd/3", "sh");
	expect_starter("", "/usr/bin/tmux new", "tmux");
	expect_starter("", "", NULL);
}

TEST(a_unit_of_a_users_manager_is_known)
{
	struct guest g;

	owner(&g, "q",
	      "0::/user.slice/user-7.slice/user@7.service/app.slice/"
	      "web1.service",
	      "");
	assert_string_equal(g.unit, "web1.service");
	assert_true(g.user_unit);
	guest_free(&g);
	owner(&g, "q", "0::/system.slice/web1.service", "");
	assert_false(g.user_unit);
	guest_free(&g);
}
