/* SPDX-License-Identifier: MIT */
/* preflight_qemu: QEMU on both hosts. */
#include "tests/unit/preflight_fixture.h"

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
