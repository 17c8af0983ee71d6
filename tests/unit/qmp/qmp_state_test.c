/* SPDX-License-Identifier: MIT */
/* Tests of qmp/qmp_state.c. */
#include <string.h>

#include "qmp/qmp_private.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"

TEST(a_session_answers_for_itself_and_for_qemu)
{
	struct qmp q = {
		.side = (char *)"destination",
		.oob = true,
		.version = { .major = 8, .minor = 1, .micro = 2 },
	};

	assert_string_equal(qmp_side(&q), "destination");
	assert_true(qmp_has_oob(&q));
	assert_int_equal(qmp_version(&q)->major, 8);
	assert_int_equal(qmp_version(&q)->minor, 1);
	q.oob = false;
	assert_false(qmp_has_oob(&q));
}

TEST(a_failed_session_gives_its_reason_each_time)
{
	struct qmp q = { .side = (char *)"source" };
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_check(&q, &err), 0);
	assert_int_equal(err.kind, ERR_NONE);
	err_set(&q.failure, ERR_CLOSED, "gone");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(qmp_check(&q, &err), -1);
		expect_err_kind(&err, ERR_CLOSED, "gone");
	}
	err_reset(&q.failure);
}
