/* SPDX-License-Identifier: MIT */
/* preflight_host: what the destination is, has, and has room for. */
#include "tests/unit/preflight_fixture.h"

TEST(a_server_that_connects_to_no_socket_is_refused_with_the_options)
{
	p.forwarding = FORWARDING_UNKNOWN;
	expect_nothing(preflight_check_forwarding);
	p.forwarding = FORWARDING_WORKS;
	expect_nothing(preflight_check_forwarding);
	p.forwarding = FORWARDING_REFUSED;
	expect(preflight_check_forwarding, "forwarding", CHECK_FAIL,
	       "connects to no UNIX socket");
	assert_non_null(
		strstr(r.checks.v[0].remedy, "AllowStreamLocalForwarding yes"));
	assert_non_null(strstr(r.checks.v[0].remedy, "DisableForwarding"));
}

TEST(tools_that_are_missing_are_named_with_their_packages)
{
	expect_nothing(preflight_check_tools);
	p.tools.lacks = (char *)"";
	expect_nothing(preflight_check_tools);
	p.tools.lacks = (char *)"flock stat";
	expect(preflight_check_tools, "tools", CHECK_FAIL, "flock stat");
	assert_non_null(strstr(r.checks.v[0].remedy, "util-linux"));
}

TEST(without_prlimit_root_is_warned)
{
	p.tools.limits_lack = true;
	r.dst.facts.uid = 1000;
	expect_nothing(preflight_check_tools);
	r.dst.facts.uid = 0;
	expect(preflight_check_tools, "tools", CHECK_WARN, "prlimit");
}

/* --- same-host ------------------------------------------------------------ */

TEST(a_host_that_is_meant_is_nothing_to_speak_of)
{
	strcpy(r.src.facts.space.boot, "b");
	r.dst.facts.space = r.src.facts.space;
	r.src.facts.namespaces = r.dst.facts.namespaces = (char *)"n";
	expect_nothing(preflight_check_same_host);
}

static void arrange_room(uint64_t bytes, uint64_t inodes)
{
	r.dst.facts.run_root = (char *)"/run/vmferry";
	r.dst.facts.room = (struct probe_room){
		.known = true,
		.inodes_known = true,
		.free_bytes = bytes,
		.free_inodes = inodes,
	};
}

TEST(a_run_directory_that_finds_room_passes)
{
	arrange_room(3 << 20, 1000);
	expect(preflight_check_room, "room", CHECK_PASS,
	       "3.0 MiB and 1000 inodes free in /run/vmferry on local");
}

TEST(one_that_does_not_is_refused)
{
	arrange_room(100 << 10, 1000);
	expect(preflight_check_room, "room", CHECK_FAIL,
	       "2.5 MiB and 32 inodes needed");
}

TEST(so_is_one_without_inodes)
{
	arrange_room(1 << 30, 12);
	expect(preflight_check_room, "room", CHECK_FAIL, "12 inodes free");
}

TEST(where_inodes_are_not_counted_bytes_are)
{
	arrange_room(3 << 20, 0);
	r.dst.facts.room.inodes_known = false;
	expect(preflight_check_room, "room", CHECK_PASS, "3.0 MiB free in");
}

TEST(a_host_that_does_not_say_what_is_free_is_not_refused)
{
	expect_nothing(preflight_check_room);
}

/* --- ssh-library ---------------------------------------------------------- */

TEST(a_library_with_known_faults_is_named)
{
	p.library = (char *)"libssh2 1.10.0 (package libssh2-1 1.10.0-3)";
	p.faults = "it ends";
	expect(preflight_check_library, "ssh-library", CHECK_WARN,
	       "package libssh2-1 1.10.0-3) has known faults: it ends");
}

TEST(a_library_without_known_faults_is_not)
{
	p.library = (char *)"libssh2 2.0";
	expect_nothing(preflight_check_library);
}
