/* SPDX-License-Identifier: MIT */
/* preflight_checks: what a check says to what was gathered. */
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "transport/host.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

static struct argv_file files[1];
static struct probe_file here[1], there[1];
static struct migrate_options opt;
static struct run r;
static struct preflight p;

/* An image that both hosts have and that QEMU may use. */
static int setup(void **state)
{
	(void)state;
	opt = (struct migrate_options){ .n_remaps = 0 };
	r = (struct run){ .opt = &opt };
	p = (struct preflight){ .r = &r, .here = here, .there = there };
	r.dst.host = host_local_new();
	r.source.guest.user = (char *)"vm";
	r.source.guest.exe = (char *)"/usr/bin/qemu";
	p.qemu.path = (char *)"/usr/bin/qemu";
	p.qemu.version = (char *)"9.0.1";
	strv_push(&p.paths, "/srv/a.qcow2");
	files[0] = (struct argv_file){
		.path = (char *)"/srv/a.qcow2",
		.kind = ARGV_IMAGE,
		.writable = true,
	};
	r.dest.plan.files = files;
	r.dest.plan.n_files = 1;
	here[0] = there[0] = (struct probe_file){
		.exists = true,
		.type = 'f',
		.inode = 12,
		.size_bytes = 1 << 20,
		.access_known = true,
		.readable = true,
		.writable = true,
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	strv_free(&p.paths);
	checks_free(&r.checks);
	host_close(r.dst.host);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void expect(void (*check)(struct preflight *p), const char *name,
		   enum check_verdict verdict, const char *words)
{
	check(&p);
	assert_int_equal(r.checks.n, 1);
	assert_string_equal(r.checks.v[0].name, name);
	assert_true(migrate_options_check_known(name));
	assert_int_equal(r.checks.v[0].verdict, verdict);
	assert_non_null(strstr(r.checks.v[0].found, words));
	if (verdict == CHECK_PASS)
		assert_null(r.checks.v[0].remedy);
	else
		assert_non_null(r.checks.v[0].remedy);
}

static void expect_nothing(void (*check)(struct preflight *p))
{
	check(&p);
	assert_int_equal(r.checks.n, 0);
}

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

/* --- file ----------------------------------------------------------------- */

/* preflight_disks.h has the checks of images. */
TEST(an_image_is_not_judged_as_a_file)
{
	there[0].exists = false;
	expect_nothing(preflight_check_files);
}

TEST(a_file_that_the_destination_lacks_is_refused)
{
	files[0].kind = ARGV_OTHER;
	there[0].exists = false;
	expect(preflight_check_files, "file", CHECK_FAIL, "does not exist");
}

TEST(a_file_that_is_no_image_may_be_a_copy)
{
	files[0].kind = ARGV_OTHER;
	there[0].inode++;
	expect(preflight_check_files, "file", CHECK_PASS, "exists on");
}

TEST(a_copy_of_another_size_is_a_warning)
{
	files[0].kind = ARGV_OTHER;
	there[0].size_bytes--;
	expect(preflight_check_files, "file", CHECK_WARN, "differs in size");
}

TEST(a_directory_may_have_another_size)
{
	files[0].kind = ARGV_OTHER;
	files[0].directory = true;
	there[0].size_bytes--;
	expect(preflight_check_files, "file", CHECK_PASS, "exists on");
}

/* Traces and the memory of a guest; they have checks of their own. */
TEST(a_file_that_qemu_makes_need_not_be_there)
{
	static const enum argv_file_kind kinds[] = { ARGV_RAM, ARGV_TRACE };

	there[0].exists = false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		files[0].kind = kinds[i];
		expect_nothing(preflight_check_files);
	}
}

/* --- access --------------------------------------------------------------- */

TEST(an_image_that_can_be_used_is_nothing_to_speak_of)
{
	expect_nothing(preflight_check_access);
}

TEST(an_image_that_cannot_be_read_is_refused)
{
	there[0].readable = false;
	expect(preflight_check_access, "access", CHECK_FAIL,
	       "vm, who may not read /srv/a.qcow2");
}

TEST(so_is_one_that_the_source_cannot_read_either)
{
	here[0].readable = there[0].readable = false;
	expect(preflight_check_access, "access", CHECK_FAIL, "read");
}

TEST(an_image_that_cannot_be_written_to_is_refused)
{
	there[0].writable = false;
	expect(preflight_check_access, "access", CHECK_FAIL,
	       "may not write to /srv/a.qcow2");
}

TEST(so_is_one_whose_path_the_source_does_not_have)
{
	here[0] = (struct probe_file){ .exists = false };
	there[0].writable = false;
	expect(preflight_check_access, "access", CHECK_FAIL, "write");
}

TEST(an_image_that_is_read_only_for_qemu_may_be_read_only)
{
	files[0].writable = there[0].writable = false;
	expect_nothing(preflight_check_access);
}

TEST(one_that_is_read_only_on_the_source_may_be_so_there)
{
	here[0].writable = there[0].writable = false;
	expect_nothing(preflight_check_access);
}

TEST(access_that_could_not_be_tried_is_not_judged)
{
	there[0] = (struct probe_file){ .exists = true };
	expect_nothing(preflight_check_access);
}

TEST(an_image_that_is_missing_is_for_another_check)
{
	there[0].exists = there[0].readable = false;
	expect_nothing(preflight_check_access);
}

TEST(other_files_may_be_opened_otherwise)
{
	files[0].kind = ARGV_OTHER;
	there[0].readable = false;
	expect_nothing(preflight_check_access);
}

/* --- files that only root may open ---------------------------------------- */

static struct preflight_hand hands[1];

/* One that the guest's user may not use, and QEMU has open. */
static void arrange_hand(const char *refusal)
{
	here[0].readable = here[0].writable = false;
	there[0].readable = there[0].writable = false;
	files[0].node = true;
	files[0].source = (char *)"/srv/a.qcow2";
	hands[0] = (struct preflight_hand){
		.asked = true,
		.here = { .reads = true, .writes = true, .access_known = true },
		.refusal = (char *)refusal,
	};
	p.hands = hands;
}

TEST(a_file_that_root_opens_is_said_to_be)
{
	arrange_hand(NULL);
	expect(preflight_check_access, "access", CHECK_PASS,
	       "is opened by root for vm");
}

TEST(one_that_it_does_not_open_is_refused_with_the_reason)
{
	arrange_hand("of this");
	expect(preflight_check_access, "access", CHECK_FAIL,
	       "may not read /srv/a.qcow2, and root does not open it: of this");
}

TEST(to_read_is_not_enough_where_qemu_writes)
{
	arrange_hand("of this");
	there[0].readable = true;
	expect(preflight_check_access, "access", CHECK_FAIL, "may not write");
}

TEST(it_is_enough_where_qemu_only_reads)
{
	arrange_hand(NULL);
	hands[0].needless = there[0].readable = true;
	hands[0].here.writes = false;
	expect_nothing(preflight_check_access);
}

TEST(an_image_that_qemu_cannot_open_anew_is_refused)
{
	arrange_hand(NULL);
	files[0].reopens = true;
	expect(preflight_check_reopening, "access", CHECK_FAIL,
	       "QEMU opens /srv/a.qcow2 anew");
}

TEST(one_that_is_open_once_is_not)
{
	arrange_hand(NULL);
	expect_nothing(preflight_check_reopening);
}

TEST(nor_one_that_its_user_may_open_or_that_is_read)
{
	arrange_hand(NULL);
	files[0].reopens = true;
	hands[0].here.may_write = true;
	expect_nothing(preflight_check_reopening);
	hands[0].here.may_write = hands[0].here.writes = false;
	expect_nothing(preflight_check_reopening);
}

TEST(an_image_below_that_cannot_be_read_is_refused)
{
	AUTO_STRV struct strv below = { .v = NULL };

	strv_push(&below, "/srv/base");
	p.chain = below;
	p.chain_there = there;
	expect_nothing(preflight_check_chain);
	there[0].readable = false;
	expect(preflight_check_chain, "access", CHECK_FAIL,
	       "/srv/base is below an image");
}

/* --- qemu-replaced -------------------------------------------------------- */

TEST(a_qemu_whose_file_is_there_is_nothing_to_speak_of)
{
	expect_nothing(preflight_check_replaced);
}

TEST(a_qemu_that_was_upgraded_under_the_guest_is_a_warning)
{
	r.source.guest.exe_replaced = true;
	expect(preflight_check_replaced, "qemu-replaced", CHECK_WARN,
	       "/usr/bin/qemu was replaced");
	assert_non_null(strstr(r.checks.v[0].remedy, "9.0.1"));
}

TEST(without_a_qemu_on_the_destination_it_is_refused)
{
	r.source.guest.exe_replaced = true;
	p.qemu.path = NULL;
	expect(preflight_check_replaced, "qemu-replaced", CHECK_FAIL,
	       "not known");
}

/* --- supervisor ----------------------------------------------------------- */

TEST(a_guest_that_nobody_would_start_again_is_nothing_to_speak_of)
{
	expect_nothing(preflight_check_supervisor);
}

TEST(one_that_a_supervisor_would_start_again_is_refused)
{
	p.above = (struct supervisor){
		.verdict = SUPERVISOR_STARTS,
		.found = (char *)"kept running by runsv (pid 7)",
		.remedy = (char *)"sv once SERVICE",
	};
	expect(preflight_check_supervisor, "supervisor", CHECK_FAIL, "runsv");
}

TEST(one_whose_parent_lives_is_a_warning)
{
	p.above = (struct supervisor){
		.verdict = SUPERVISOR_UNKNOWN,
		.found = (char *)"python3 (pid 7) lives",
		.remedy = (char *)"end it",
	};
	expect(preflight_check_supervisor, "supervisor", CHECK_WARN, "python");
}

/* --- same-host ------------------------------------------------------------ */

TEST(a_host_that_is_meant_is_nothing_to_speak_of)
{
	strcpy(r.src.facts.space.boot, "b");
	r.dst.facts.space = r.src.facts.space;
	r.src.facts.namespaces = r.dst.facts.namespaces = (char *)"n";
	expect_nothing(preflight_check_same_host);
}

/* --- who is there already ------------------------------------------------- */

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

/* --- ram-file ------------------------------------------------------------- */

/* Both hosts have a file at that path. */
static void arrange_ram(uint64_t inode_here, uint64_t inode_there)
{
	files[0].kind = ARGV_RAM;
	files[0].path = (char *)"/m/ram";
	here[0].type = there[0].type = 'f';
	here[0].size_bytes = there[0].size_bytes = 1 << 30;
	here[0].inode = inode_here;
	there[0].inode = inode_there;
}

TEST(memory_in_one_file_for_both_is_refused)
{
	arrange_ram(7, 7);
	expect(preflight_check_ram, "ram-file", CHECK_FAIL,
	       "/m/ram is mapped with share=on");
}

TEST(memory_in_a_file_of_each_is_nothing_to_speak_of)
{
	arrange_ram(7, 8);
	expect_nothing(preflight_check_ram);
}

TEST(inodes_of_fuse_prove_nothing)
{
	arrange_ram(7, 8);
	there[0].fuse = true;
	expect(preflight_check_ram, "ram-file", CHECK_FAIL, "may be the same");
}

TEST(a_file_that_is_yet_to_be_made_is_not_shared)
{
	arrange_ram(7, 7);
	there[0].exists = false;
	expect_nothing(preflight_check_ram);
}

TEST(each_qemu_has_a_file_of_its_own_in_a_directory)
{
	arrange_ram(7, 7);
	here[0].type = there[0].type = 'd';
	expect_nothing(preflight_check_ram);
}

TEST(a_file_at_another_path_may_be_the_same)
{
	opt.n_remaps = 1;
	arrange_ram(7, 7);
	here[0].exists = false;
	expect(preflight_check_ram, "ram-file", CHECK_FAIL, "may be the same");
}

TEST(a_trace_that_the_destination_would_empty_is_refused)
{
	arrange_ram(7, 7);
	files[0].kind = ARGV_TRACE;
	/* it grows meanwhile */
	there[0].size_bytes++;
	expect(preflight_check_traces, "trace-file", CHECK_FAIL,
	       "would empty it there");
}

TEST(a_trace_of_each_host_is_nothing_to_speak_of)
{
	arrange_ram(7, 8);
	files[0].kind = ARGV_TRACE;
	expect_nothing(preflight_check_traces);
	there[0].exists = false;
	expect_nothing(preflight_check_traces);
}

TEST(only_on_one_machine_is_a_device_the_same)
{
	arrange_ram(7, 7);
	here[0].type = there[0].type = 'o';
	expect_nothing(preflight_check_ram);
	p.same_pids = true;
	expect(preflight_check_ram, "ram-file", CHECK_FAIL, "/m/ram");
}

TEST(names_in_a_command_that_is_proposed_are_quoted)
{
	r.source.guest.name = (char *)"web1; reboot";
	r.source.guest.unit = (char *)"a$(reboot).service";
	p.unit.enabled = true;
	preflight_check_unit(&p);
	assert_int_equal(r.checks.n, 1);
	assert_non_null(strstr(r.checks.v[0].remedy,
			       "disable 'a$(reboot).service', or"));
	assert_non_null(
		strstr(r.checks.v[0].remedy, "vmferry owns 'web1; reboot'"));
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

/* --- lingering ------------------------------------------------------------ */

static const struct host_ops remote_ops = { .backend = "libssh2" };
static struct host remote = { .ops = &remote_ops, .name = (char *)"hostb" };

#define SESSION "in_session=1\n"

/* As logind of Debian 12 answers, with what an administrator may change. */
static void logind_says(struct lingering *l, const char *session,
			const char *linger, const char *kill, const char *but)
{
	AUTO_FREE char *text = xasprintf("%suser=vm\nLinger=%s\n"
					 "KillUserProcesses=%s\n"
					 "KillOnlyUsers=\n"
					 "KillExcludeUsers=root%s\n",
					 session, linger, kill, but);

	lingering_read(text, l);
	r.dst.facts.run_root = (char *)"/run/user/1000/vmferry";
}

static void at_remote(void (*expectation)(void))
{
	struct host *local = r.dst.host;

	r.dst.host = &remote;
	expectation();
	r.dst.host = local;
	lingering_free(&p.lingers_here);
	lingering_free(&p.lingers_there);
}

static void refused(void)
{
	expect(preflight_check_lingering, "lingering", CHECK_FAIL,
	       "would end with vmferry's login");
}

static void nothing(void)
{
	expect_nothing(preflight_check_lingering);
}

static void warned_of_sockets(void)
{
	expect(preflight_check_lingering, "lingering", CHECK_WARN,
	       "runtime directory is removed");
}

static void warned_of_logout(void)
{
	expect(preflight_check_lingering, "lingering", CHECK_WARN,
	       "vmferry, its guardian and a guest");
}

TEST(a_guest_of_a_manager_that_ends_at_a_logout_is_a_warning)
{
	p.manager_here = LINGERING_ENDS;
	r.source.guest.unit = (char *)"web1.service";
	expect(preflight_check_lingering, "lingering", CHECK_WARN,
	       "web1.service of the service manager of vm");
}

TEST(one_of_a_manager_that_stays_is_not)
{
	p.manager_here = LINGERING_STAYS;
	expect_nothing(preflight_check_lingering);
}

TEST(a_login_whose_end_takes_the_guest_along_is_refused)
{
	logind_says(&p.lingers_there, SESSION, "yes", "yes", "");
	at_remote(refused);
}

TEST(a_user_who_is_excepted_keeps_its_processes)
{
	logind_says(&p.lingers_there, SESSION, "no", "yes", " vm");
	at_remote(nothing);
}

TEST(a_session_keeps_the_sockets_of_its_guest)
{
	logind_says(&p.lingers_there, SESSION, "no", "no", "");
	at_remote(nothing);
}

TEST(without_a_session_a_user_who_does_not_linger_is_warned)
{
	logind_says(&p.lingers_there, "", "no", "no", "");
	at_remote(warned_of_sockets);
}

TEST(without_a_session_one_who_lingers_is_not)
{
	logind_says(&p.lingers_there, "", "yes", "yes", "");
	at_remote(nothing);
}

TEST(one_whose_sockets_are_elsewhere_is_not)
{
	logind_says(&p.lingers_there, "", "no", "no", "");
	r.dst.facts.run_root = (char *)"/home/vm/.vmferry";
	at_remote(nothing);
}

TEST(the_logout_on_this_host_is_a_warning)
{
	logind_says(&p.lingers_here, SESSION, "no", "yes", "");
	at_remote(warned_of_logout);
}

TEST(without_an_answer_of_logind_nothing_is_said)
{
	lingering_read("in_session=1\nuser=vm\n", &p.lingers_there);
	at_remote(nothing);
}

/* --- guardian ------------------------------------------------------------- */

TEST(a_guardian_that_can_log_in_is_nothing_to_speak_of)
{
	expect_nothing(preflight_check_guardian);
}

TEST(one_that_cannot_is_a_warning)
{
	p.lonely = (char *)"the key needs a passphrase";
	expect(preflight_check_guardian, "guardian", CHECK_WARN,
	       "the key needs a passphrase");
}

TEST(one_that_cannot_become_root_is_reminded_of_the_rule)
{
	p.lonely = (char *)"sudo asks for a password";
	opt.ssh.become = HOST_BECOME_SUDO;
	expect(preflight_check_guardian, "guardian", CHECK_WARN,
	       "sudo asks for a password");
	assert_non_null(strstr(r.checks.v[0].remedy, "NOPASSWD"));
}

/* --- become --------------------------------------------------------------- */

TEST(a_login_of_roots_becomes_nobody)
{
	expect_nothing(preflight_check_become);
}

TEST(a_login_that_becomes_root_is_named)
{
	r.dst.host->login = 4242;
	expect(preflight_check_become, "become", CHECK_PASS, "user 4242");
}

/* --- restart, boot -------------------------------------------------------- */

TEST(a_guest_in_no_unit_is_nothing_to_speak_of)
{
	expect_nothing(preflight_check_unit);
}

TEST(a_unit_that_is_enabled_is_a_warning)
{
	r.source.guest.unit = (char *)"web1.service";
	r.source.guest.name = (char *)"web1";
	p.unit.enabled = true;
	expect(preflight_check_unit, "boot", CHECK_WARN, "web1.service");
	assert_non_null(strstr(r.checks.v[0].remedy, "vmferry owns web1"));
}

TEST(one_that_asks_first_is_not)
{
	r.source.guest.unit = (char *)"web1.service";
	p.unit.enabled = p.unit.asks_first = true;
	expect_nothing(preflight_check_unit);
}

TEST(a_unit_that_cannot_be_asked_is_a_warning)
{
	r.source.guest.unit = (char *)"web1.service";
	p.unit.why_unknown = (char *)"no bus";
	expect(preflight_check_unit, "restart", CHECK_WARN, "no bus");
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

/* --- remap ---------------------------------------------------------------- */

TEST(a_remap_that_no_path_needs_is_refused)
{
	static const struct argv_remap remaps[] = { { "/a", "/b" },
						    { "/c", "/d" } };
	bool used[] = { true, false };

	opt.remaps = remaps;
	opt.n_remaps = 2;
	r.dest.plan.remapped = used;
	expect(preflight_check_remaps, "remap", CHECK_FAIL, "--remap /c=/d");
}

TEST(remaps_that_paths_need_are_fine)
{
	static const struct argv_remap remaps[] = { { "/a", "/b" } };
	bool used[] = { true };

	opt.remaps = remaps;
	opt.n_remaps = 1;
	r.dest.plan.remapped = used;
	expect_nothing(preflight_check_remaps);
}

TEST(what_carries_the_memory_is_reported)
{
	expect(preflight_check_transport, "transport", CHECK_PASS,
	       "carries the memory");
}

TEST(a_transport_that_cannot_be_had_is_refused_with_its_remedy)
{
	r.lane.way = LANE_OPENSSH;
	r.lane.refusal = (char *)"no ssh(1) here";
	r.lane.remedy = (char *)"install it";
	expect(preflight_check_transport, "transport", CHECK_FAIL,
	       "--transport openssh cannot be had: no ssh(1) here");
	assert_string_equal(r.checks.v[0].remedy, "install it");
}
