/* SPDX-License-Identifier: MIT */
/* identity: which process, of which machine; one claim a test. */
#include "engine/hosts/identity.h"

#include <string.h>

#include "tests/unit/test.h"
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
					    "pid_namespace=pid:[4026531836]\n");

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
