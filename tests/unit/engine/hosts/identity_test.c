/* SPDX-License-Identifier: MIT */
/* identity: which process, of which machine; one claim a test. */
#include "engine/hosts/identity.h"

#include <string.h>

#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"

#define ID_A "0123456789abcdef0123456789abcdef"
#define ID_B "fedcba9876543210fedcba9876543210"

static const struct identity_space hosta = {
	.host = "hosta",
	.machine = ID_A,
	.boot = "1",
	.pid_namespace = 7,
};

static struct identity_space read_text(const char *text)
{
	struct identity_space s;

	identity_space_read(text, &s);
	return s;
}

static void expect(enum identity_match match,
		   const struct identity_space *recorded,
		   const struct identity_space *now)
{
	assert_int_equal(identity_compare(recorded, now), match);
}

TEST(what_a_host_printed_is_read)
{
	struct identity_space s = read_text("hostname=hosta\nmachine_id=" ID_A
					    "\nown_id=" ID_B "\nboot_id=b-1\n"
					    "pid_namespace=pid:[4026531836]\n"
					    "token=" ID_A "\n");

	assert_string_equal(s.token, ID_A);
	assert_string_equal(s.host, "hosta");
	assert_string_equal(s.machine, ID_A);
	assert_string_equal(s.own, ID_B);
	assert_string_equal(s.boot, "b-1");
	assert_true(s.pid_namespace == IDENTITY_FIRST_NAMESPACE);
	assert_false(s.id_is_shared);
}

TEST(what_is_no_id_is_none)
{
	static const char *const texts[] = {
		"",
		"token=0123\n",
		"machine_id=\n",
		"machine_id=uninitialized\n",
		"machine_id=" ID_A "0\n",
		"machine_id=ABCDEF6789abcdef0123456789abcdef\n",
		"pid_namespace=\n",
		"pid_namespace=mnt:[4026531836]\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct identity_space s = read_text(texts[i]);

		assert_string_equal(s.machine, "");
		assert_string_equal(s.token, "");
		assert_true(s.pid_namespace == 0);
	}
}

TEST(a_name_that_is_too_long_is_not_cut_short)
{
	struct identity_space s =
		read_text("hostname=0123456789012345678901234567890123456789"
			  "0123456789012345678901234\n");

	assert_string_equal(s.host, "");
}

TEST(a_space_is_its_own)
{
	expect(IDENTITY_SAME, &hosta, &hosta);
}

TEST(a_later_boot_is_distinguished_from_another_machine)
{
	struct identity_space now = hosta;

	strcpy(now.boot, "2");
	expect(IDENTITY_REBOOTED, &hosta, &now);
	/* the namespace of another boot may have any number */
	now.pid_namespace = 8;
	expect(IDENTITY_REBOOTED, &hosta, &now);
	strcpy(now.machine, ID_B);
	expect(IDENTITY_ELSEWHERE, &hosta, &now);
}

TEST(another_machine_in_the_same_boot_is_another)
{
	struct identity_space now = hosta;

	strcpy(now.machine, ID_B);
	expect(IDENTITY_ELSEWHERE, &hosta, &now);
}

TEST(another_pid_namespace_is_another)
{
	struct identity_space now = hosta;

	now.pid_namespace = 8;
	expect(IDENTITY_ELSEWHERE, &hosta, &now);
}

TEST(an_unknown_pid_namespace_equals_none)
{
	struct identity_space s = hosta;

	s.pid_namespace = 0;
	expect(IDENTITY_ELSEWHERE, &s, &s);
}

TEST(an_unknown_boot_equals_none)
{
	struct identity_space s = hosta;

	*s.boot = '\0';
	expect(IDENTITY_ELSEWHERE, &s, &s);
	expect(IDENTITY_ELSEWHERE, &hosta, &s);
	expect(IDENTITY_ELSEWHERE, &s, &hosta);
}

TEST(without_a_machine_id_the_boot_alone_identifies)
{
	struct identity_space s = hosta, later = hosta;

	*s.machine = '\0';
	expect(IDENTITY_SAME, &s, &s);
	strcpy(later.boot, "2");
	expect(IDENTITY_ELSEWHERE, &s, &later);
}

TEST(an_id_of_our_own_identifies_a_machine)
{
	struct identity_space s = hosta, now = hosta;

	strcpy(s.machine, ID_B);
	strcpy(now.own, ID_B);
	strcpy(now.boot, "2");
	expect(IDENTITY_REBOOTED, &s, &now);
}

/* --- the token ------------------------------------------------------------ */

/* What follows from ids that say @now, when @found is in the token's file. */
static void expect_token(enum identity_match match,
			 const struct identity_space *now, const char *found,
			 bool may_go)
{
	struct identity_space recorded = hosta, asked = *now;

	strcpy(recorded.token, ID_A);
	recorded.token_may_go = may_go;
	strcpy(asked.token, found);
	expect(match, &recorded, &asked);
}

TEST(a_token_that_is_read_back_changes_nothing)
{
	struct identity_space later = hosta, another = hosta;

	strcpy(later.boot, "2");
	strcpy(another.machine, ID_B);
	expect_token(IDENTITY_SAME, &hosta, ID_A, false);
	expect_token(IDENTITY_REBOOTED, &later, ID_A, false);
	/* two machines may see one file */
	expect_token(IDENTITY_ELSEWHERE, &another, ID_A, false);
}

TEST(a_host_that_goes_on_does_not_lose_its_token)
{
	expect_token(IDENTITY_ELSEWHERE, &hosta, "", false);
}

TEST(a_token_that_the_run_removes_may_be_missing)
{
	expect_token(IDENTITY_SAME, &hosta, "", true);
}

TEST(a_reboot_loses_the_token)
{
	struct identity_space later = hosta;

	strcpy(later.boot, "2");
	expect_token(IDENTITY_REBOOTED, &later, "", false);
}

TEST(another_token_is_that_of_another_machine)
{
	struct identity_space later = hosta;

	strcpy(later.boot, "2");
	expect_token(IDENTITY_ELSEWHERE, &hosta, ID_B, false);
	expect_token(IDENTITY_ELSEWHERE, &later, ID_B, false);
	expect_token(IDENTITY_ELSEWHERE, &hosta, ID_B, true);
	expect_token(IDENTITY_ELSEWHERE, &later, ID_B, true);
}

TEST(a_run_without_a_token_goes_by_ids)
{
	struct identity_space now = hosta;

	strcpy(now.token, ID_B);
	expect(IDENTITY_SAME, &hosta, &now);
}

static void expect_refusal(const struct identity_space *now, const char *words,
			   const char *hint)
{
	struct identity who = { .space = hosta, .token_file = "/r/it's" };
	struct err err = { 0 };
	int rc;

	strcpy(who.space.token, ID_A);
	rc = identity_check_token(&who, now, "hostb", &err);
	assert_int_equal(rc, words ? -1 : 0);
	if (!words) {
		assert_int_equal(err.kind, ERR_NONE);
		return;
	}
	assert_non_null(strstr(err_hint_of(&err), hint));
	expect_err_kind(&err, ERR_FAILED, words);
}

TEST(a_host_without_the_token_is_named_with_what_to_do)
{
	struct identity_space now = hosta;

	expect_refusal(&now, "hostb lacks the token of the run in /r/it's",
		       "echo " ID_A " >'/r/it'\\''s'");
	strcpy(now.token, ID_B);
	expect_refusal(&now, "hostb has another token in /r/it's",
		       "which machine answers as hostb");
	strcpy(now.token, ID_A);
	expect_refusal(&now, NULL, NULL);
	/* of another machine nobody speaks of tokens */
	strcpy(now.machine, ID_B);
	strcpy(now.token, ID_B);
	expect_refusal(&now, NULL, NULL);
}

TEST(a_shared_id_proves_no_reboot)
{
	struct identity_space s = hosta, now = hosta;

	s.id_is_shared = true;
	expect(IDENTITY_SAME, &s, &now);
	strcpy(now.boot, "2");
	expect(IDENTITY_ELSEWHERE, &s, &now);
}

TEST(another_host_name_proves_no_reboot)
{
	struct identity_space now = hosta;

	strcpy(now.boot, "2");
	strcpy(now.host, "hostb");
	expect(IDENTITY_ELSEWHERE, &hosta, &now);
}

TEST(the_machine_id_comes_before_that_of_our_own)
{
	struct identity_space s = hosta;

	strcpy(s.own, ID_B);
	assert_string_equal(identity_machine(&s), ID_A);
	*s.machine = '\0';
	assert_string_equal(identity_machine(&s), ID_B);
}

TEST(ids_suffice_when_both_are_there_and_differ)
{
	struct identity_space b = hosta;

	/* one host, as seen twice */
	assert_true(identity_ids_suffice(&hosta, &b));
	strcpy(b.machine, ID_B);
	assert_true(identity_ids_suffice(&hosta, &b));
	*b.machine = '\0';
	assert_false(identity_ids_suffice(&hosta, &b));
	assert_false(identity_ids_suffice(&b, &hosta));
}

TEST(ids_of_cloned_machines_do_not_suffice)
{
	struct identity_space b = hosta;

	strcpy(b.boot, "2");
	assert_false(identity_ids_suffice(&hosta, &b));
	b = hosta;
	b.pid_namespace = 8;
	assert_false(identity_ids_suffice(&hosta, &b));
}
