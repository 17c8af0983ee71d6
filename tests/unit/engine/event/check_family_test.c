/* SPDX-License-Identifier: MIT */
/* Tests of engine/event/check_family.c. */
#include "engine/event/check_family.h"

#include <string.h>

#include "engine/run/migrate_options.h"
#include "tests/unit/test.h"

TEST(every_check_has_a_family)
{
	for (size_t i = 0; migrate_options_checks[i]; i++) {
		const char *name = migrate_options_checks[i];

		if (check_family_of(name) == CHECK_FAMILY_OTHER)
			fail_msg("the check \"%s\" has no row in "
				 "engine/event/check_family.c",
				 name);
	}
}

TEST(a_check_without_a_row_is_of_the_last_family)
{
	assert_int_equal(check_family_of("phase-of-the-moon"),
			 CHECK_FAMILY_OTHER);
	assert_int_equal(CHECK_FAMILY_OTHER, CHECK_FAMILIES - 1);
}

TEST(families_have_names_of_their_own)
{
	for (enum check_family f = 0; f < CHECK_FAMILIES; f++) {
		for (enum check_family g = 0; g < f; g++) {
			assert_string_not_equal(check_family_name(f),
						check_family_name(g));
			assert_string_not_equal(check_family_title(f),
						check_family_title(g));
		}
	}
}
