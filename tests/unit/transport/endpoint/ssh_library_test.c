/* SPDX-License-Identifier: MIT */
/* ssh_library: what is known against a version of libssh2. */
#include "transport/endpoint/ssh_library.h"

#include <string.h>

#include "tests/unit/test.h"

TEST(versions_with_faults_are_known)
{
	assert_non_null(strstr(ssh_library_faults("1.9.0"), "flipped"));
	assert_non_null(strstr(ssh_library_faults("1.10.0"), "flipped"));
	assert_null(strstr(ssh_library_faults("1.11.0"), "flipped"));
	assert_non_null(strstr(ssh_library_faults("1.11.1"), "hostile"));
}

TEST(of_later_ones_nothing_is_known)
{
	assert_null(ssh_library_faults("1.11.2"));
	assert_null(ssh_library_faults("1.12.0"));
	assert_null(ssh_library_faults("2.0.0"));
	assert_null(ssh_library_faults("what?"));
}

TEST(this_one_has_a_version)
{
	assert_int_equal(strspn(ssh_library_version(), "0123456789."),
			 strcspn(ssh_library_version(), "_-"));
}
