/* SPDX-License-Identifier: MIT */
/* preflight_names: whether the guest's names are free. */
#include "tests/unit/preflight_fixture.h"

#define UUID "12345678-90ab-cdef-1234-567890abcdef"

static struct guest other;
static struct name_answer names[2];

static void arrange_other(const char *name, const char *uuid)
{
	r.source.guest.name = (char *)"web1";
	r.source.guest.pid = 100;
	r.source.guest.start_ticks = 7;
	other = (struct guest){
		.name = (char *)name,
		.uuid = (char *)uuid,
		.user = (char *)"vm",
		.pid = 200,
		.start_ticks = 9,
	};
	p.guests = (struct guests){ .v = &other, .n = 1 };
}

TEST(another_guest_of_that_name_is_refused)
{
	arrange_other("web1", NULL);
	expect(preflight_check_same_guest, "same-guest", CHECK_FAIL,
	       "name of web1 runs on");
	assert_non_null(strstr(r.checks.v[0].found, "pid 200"));
}

TEST(so_is_one_of_that_uuid)
{
	arrange_other("web2", UUID);
	strcpy(r.source.facts.uuid, UUID);
	expect(preflight_check_same_guest, "same-guest", CHECK_FAIL,
	       "UUID of web1");
}

static void arrange_users(uid_t guest, uid_t second, const char *user)
{
	arrange_other("web1", UUID);
	strcpy(r.source.facts.uuid, UUID);
	r.source.guest.uid = guest;
	other.uid = second;
	other.user = (char *)user;
}

TEST(another_users_guest_of_that_name_is_a_warning)
{
	arrange_users(0, 1000, "alice");
	expect(preflight_check_same_guest, "same-guest", CHECK_WARN,
	       "(pid 200, user alice)");
}

TEST(for_another_users_guest_it_is_so_too)
{
	/* "vm" has another number there */
	arrange_users(1000, 1000, "alice");
	expect(preflight_check_same_guest, "same-guest", CHECK_WARN,
	       "user alice");
}

TEST(one_of_its_user_is_refused)
{
	arrange_users(1000, 2000, "vm");
	expect(preflight_check_same_guest, "same-guest", CHECK_FAIL, "UUID");
}

TEST(so_is_one_of_roots)
{
	arrange_users(1000, 0, "root");
	expect(preflight_check_same_guest, "same-guest", CHECK_FAIL, "UUID");
}

TEST(a_login_that_is_not_roots_counts_its_own)
{
	arrange_users(1000, 2000, "bob");
	r.dst.facts.uid = 2000;
	expect(preflight_check_same_guest, "same-guest", CHECK_FAIL, "UUID");
}

TEST(guests_without_a_name_or_uuid_are_not_the_same)
{
	arrange_other(NULL, "00000000-0000-0000-0000-000000000000");
	r.source.guest.name = NULL;
	r.source.guest.label = (char *)"pid:100";
	strcpy(r.source.facts.uuid, "00000000-0000-0000-0000-000000000000");
	expect_nothing(preflight_check_same_guest);
}

TEST(the_guest_itself_is_no_other_on_the_same_host)
{
	arrange_other("web1", NULL);
	other.pid = 100;
	other.start_ticks = 7;
	p.same_pids = true;
	expect_nothing(preflight_check_same_guest);
}

TEST(on_another_host_its_pid_says_nothing)
{
	arrange_other("web1", NULL);
	other.pid = 100;
	other.start_ticks = 7;
	expect(preflight_check_same_guest, "same-guest", CHECK_FAIL, "web1");
}

static void arrange_name(enum name_use use, pid_t pid)
{
	static struct argv_move moves[1] = {
		{ .now = (char *)"/run/vmferry/1/s0.sock",
		  .public = (char *)"/run/web1.qmp" },
	};

	names[0] = (struct name_answer){ use, pid };
	p.names = names;
	r.dest.plan.moves = (struct argv_moves){ moves, 1 };
}

TEST(a_name_that_is_free_is_nothing_to_speak_of)
{
	arrange_name(NAME_FREE, 0);
	expect_nothing(preflight_check_names);
}

TEST(a_name_that_a_process_uses_is_refused)
{
	arrange_name(NAME_LIVE, 321);
	expect(preflight_check_names, "name-in-use", CHECK_FAIL,
	       "/run/web1.qmp on local is in use by process 321");
}

TEST(so_is_one_of_an_unknown_process)
{
	arrange_name(NAME_LIVE, 0);
	expect(preflight_check_names, "name-in-use", CHECK_FAIL,
	       "cannot be seen");
}

TEST(so_is_one_of_which_nobody_says_whose_it_is)
{
	arrange_name(NAME_UNKNOWN, 0);
	expect(preflight_check_names, "name-in-use", CHECK_FAIL,
	       "/run/web1.qmp on local may be in use");
}

TEST(so_is_one_of_a_guest_that_arrived_there)
{
	static struct argv_move moves[1] = {
		{ .now = (char *)"/run/vmferry/2/s0.sock",
		  .public = (char *)"/run/web1.qmp" },
	};

	arrange_other("web2", NULL);
	other.moves = (struct argv_moves){ moves, 1 };
	arrange_name(NAME_FREE, 0);
	expect(preflight_check_names, "name-in-use", CHECK_FAIL, "process 200");
	/* another user can write any name on a command line */
	checks_free(&r.checks);
	r.checks = (struct checks){ .v = NULL };
	other.uid = 1000;
	expect_nothing(preflight_check_names);
}

TEST(so_is_one_of_a_file_of_another_kind)
{
	arrange_name(NAME_FILE, 0);
	expect(preflight_check_names, "name-in-use", CHECK_FAIL,
	       "is a file that would be replaced");
}

/* --- directory ------------------------------------------------------------ */

static struct argv_move move;

static void arrange_move(char type, bool writable)
{
	move = (struct argv_move){ .public = (char *)"/run/vm/qmp",
				   .now = (char *)"/r/s0" };
	r.dest.plan.moves = (struct argv_moves){ .v = &move, .n = 1 };
	there[0] = (struct probe_file){ .exists = true,
					.type = type,
					.access_known = true,
					.writable = writable };
	p.moves_at = 0;
}

TEST(a_directory_of_the_guest_s_user_may_have_its_names)
{
	arrange_move('d', true);
	expect_nothing(preflight_check_directories);
}

TEST(one_that_its_user_may_not_write_to_is_refused)
{
	arrange_move('d', false);
	expect(preflight_check_directories, "directory", CHECK_FAIL,
	       "may not write to");
}

TEST(what_is_no_directory_is_refused)
{
	arrange_move('f', true);
	expect(preflight_check_directories, "directory", CHECK_FAIL,
	       "is no directory");
}
