/* SPDX-License-Identifier: MIT */
/* Tests of engine/hosts/guest_id.c. */
#include "engine/hosts/guest_id.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"

#define UUID "6d6f7665-0000-4000-8000-00000000beef"
#define NONE "00000000-0000-0000-0000-000000000000"

enum { ROOT = 0, ALICE = 1000, BOB = 1001 };

static struct guest_id guest(uid_t uid, const char *name, const char *uuid)
{
	return (struct guest_id){
		.uid = uid,
		.user = uid == ROOT    ? "root"
			: uid == ALICE ? "alice"
				       : "bob",
		.name = name,
		.uuid = uuid,
	};
}

static bool same(struct guest_id a, struct guest_id b)
{
	bool is = guest_id_same(&a, &b);

	assert_int_equal(guest_id_same(&b, &a), is);
	return is;
}

TEST(guests_of_two_users_are_two)
{
	assert_false(same(guest(ROOT, "a", UUID), guest(ALICE, "a", UUID)));
	assert_false(same(guest(BOB, "a", NULL), guest(ALICE, "a", NULL)));
	assert_true(same(guest(ALICE, "a", UUID), guest(ALICE, "a", UUID)));
}

TEST(a_uuid_counts_for_more_than_a_name)
{
	assert_true(
		same(guest(ROOT, "a", UUID), guest(ROOT, "b",
						   "6D6F7665-0000-4000-8000-"
						   "00000000BEEF")));
	assert_false(same(guest(ROOT, "a", UUID), guest(ROOT, "a", "")));
	assert_false(same(guest(ROOT, "a", UUID), guest(ROOT, "a", NULL)));
	assert_true(same(guest(ROOT, "a", ""), guest(ROOT, "a", NONE)));
	assert_false(same(guest(ROOT, "a", NULL), guest(ROOT, "b", NULL)));
}

TEST(what_has_neither_is_nobody)
{
	assert_false(same(guest(ROOT, "", NULL), guest(ROOT, "", NULL)));
	assert_false(same(guest(ROOT, NULL, NONE), guest(ROOT, NULL, NONE)));
}

static enum guest_meant meant(uid_t uid, const char *word, uid_t asker)
{
	struct guest_id g = guest(uid, "web1", UUID);

	return guest_id_meant(&g, word, asker);
}

TEST(a_guest_goes_by_its_name_and_uuid)
{
	assert_int_equal(meant(ROOT, "web1", ROOT), GUEST_MEANT);
	assert_int_equal(meant(ROOT, UUID, ROOT), GUEST_MEANT);
	assert_int_equal(meant(ROOT, "6D6F7665-0000-4000-8000-00000000BEEF",
			       ROOT),
			 GUEST_MEANT);
	assert_int_equal(meant(ROOT, "web2", ROOT), GUEST_NOT_MEANT);
	assert_int_equal(meant(ROOT, "", ROOT), GUEST_NOT_MEANT);
	assert_int_equal(meant(ROOT, NONE, ROOT), GUEST_NOT_MEANT);
}

TEST(another_users_guest_comes_second)
{
	assert_int_equal(meant(ALICE, "web1", ROOT), GUEST_MEANT_MAYBE);
	assert_int_equal(meant(ALICE, UUID, ROOT), GUEST_MEANT_MAYBE);
	assert_int_equal(meant(ROOT, "web1", ALICE), GUEST_MEANT_MAYBE);
}

TEST(with_a_user_that_users_guest_alone_is_meant)
{
	assert_int_equal(meant(ALICE, "alice/web1", ROOT), GUEST_MEANT);
	assert_int_equal(meant(ALICE, "1000/web1", ROOT), GUEST_MEANT);
	assert_int_equal(meant(ALICE, "alice/" UUID, BOB), GUEST_MEANT);
	assert_int_equal(meant(ALICE, "alic/web1", ROOT), GUEST_NOT_MEANT);
	assert_int_equal(meant(ALICE, "root/web1", ROOT), GUEST_NOT_MEANT);
	assert_int_equal(meant(ROOT, "0/web1", BOB), GUEST_MEANT);
	assert_int_equal(meant(ROOT, "/web1", ROOT), GUEST_NOT_MEANT);
	assert_int_equal(meant(ALICE, "alice/web2", ROOT), GUEST_NOT_MEANT);
}

TEST(no_name_makes_a_guest_another_users)
{
	struct guest_id g = guest(ALICE, "root/web1", NULL);

	assert_int_equal(guest_id_meant(&g, "root/web1", ROOT),
			 GUEST_NOT_MEANT);
	assert_int_equal(guest_id_meant(&g, "root/web1", ALICE), GUEST_MEANT);
	assert_int_equal(guest_id_meant(&g, "alice/root/web1", ROOT),
			 GUEST_MEANT);
}

static void expect_key(const char *text, uid_t uid, uid_t login,
		       const char *key)
{
	AUTO_FREE char *got = guest_id_key(text, uid, login);
	AUTO_FREE char *part = path_part(got);

	assert_string_equal(got, key);
	/* it can be part of a path as it is */
	assert_string_equal(part, key);
}

TEST(own_guests_have_the_key_that_earlier_versions_gave)
{
	expect_key(UUID, ROOT, ROOT, UUID);
	expect_key(UUID, ALICE, ALICE, UUID);
}

TEST(a_key_is_of_one_user)
{
	expect_key(UUID, ALICE, ROOT, UUID "-u1000");
	expect_key(UUID, BOB, ROOT, UUID "-u1001");
	expect_key("guest-0123456789abcdef", ALICE, ROOT,
		   "guest-0123456789abcdef-u1000");
	expect_key("a/b", (uid_t)4294967294u, ROOT,
		   "x-e620c3190468cf61-u4294967294");
}

TEST(the_key_of_earlier_versions_is_known)
{
	AUTO_FREE char *alices = guest_id_early_key(UUID "-u1000", ALICE);
	AUTO_FREE char *bobs = guest_id_early_key(UUID "-u1000", BOB);
	AUTO_FREE char *own = guest_id_early_key(UUID, ROOT);
	AUTO_FREE char *none = guest_id_early_key("-u0", ROOT);

	assert_string_equal(alices, UUID);
	assert_string_equal(bobs, UUID "-u1000");
	assert_string_equal(own, UUID);
	assert_string_equal(none, "-u0");
}

TEST(a_long_text_keeps_the_user_in_its_key)
{
	char text[65] = "";
	AUTO_FREE char *a = NULL, *b = NULL;

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = 'a';
	a = guest_id_key(text, ALICE, ROOT);
	b = path_part(a);
	assert_string_equal(a, b);
	assert_non_null(strstr(a, "-u1000"));
}
