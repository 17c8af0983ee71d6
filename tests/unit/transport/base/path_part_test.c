/* SPDX-License-Identifier: MIT */
/* Tests of transport/base/path_part.c. */
#include "transport/base/path_part.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void stays(const char *text)
{
	AUTO_FREE char *part = path_part(text);

	assert_string_equal(part, text);
}

static void is_hashed(const char *text)
{
	AUTO_FREE char *part = path_part(text);

	assert_int_equal(strlen(part), 18);
	assert_memory_equal(part, "x-", 2);
	assert_int_equal(strspn(part + 2, "0123456789abcdef"), 16);
}

/* Directories of versions before have these names. */
TEST(what_vmferry_makes_itself_stays_as_it_is)
{
	stays("0b15f08e-2e6c-4ab1-9f5b-61f6bb6b3c62");
	stays("guest-00ff00ff00ff00ff");
	stays("run-0123456789ab");
	stays("f3b6a1c9d2e84f0b9a7c5d3e1f2a4b6c");
}

TEST(sixty_four_bytes_are_the_most)
{
	char text[66];

	memset(text, 'a', sizeof(text));
	text[64] = '\0';
	stays(text);
	text[64] = 'a';
	text[65] = '\0';
	is_hashed(text);
}

TEST(what_could_lead_elsewhere_is_hashed)
{
	is_hashed("../../../tmp/fifo");
	is_hashed("..");
	is_hashed(".");
	is_hashed("a/b");
	is_hashed("");
}

TEST(so_is_what_a_shell_or_a_tool_could_take_for_something_else)
{
	is_hashed("-rf");
	is_hashed("a b");
	is_hashed("*");
	is_hashed("a\nb");
	is_hashed("\xc3\xa4");
	is_hashed("Upper");
}

/* The reference's own vectors: "" and "foobar". */
TEST(the_hash_is_fnv_1a)
{
	assert_true(path_part_hash("") == 0xcbf29ce484222325u);
	assert_true(path_part_hash("foobar") == 0x85944171f73967e8u);
}
