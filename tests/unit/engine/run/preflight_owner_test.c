/* SPDX-License-Identifier: MIT */
/* preflight_owner: who else starts or ends the guest. */
#include "tests/unit/preflight_fixture.h"
#include "transport/base/xalloc.h"

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
