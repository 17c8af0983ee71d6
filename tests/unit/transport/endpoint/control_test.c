/* SPDX-License-Identifier: MIT */
/* control: phases and messages. */
#include "transport/endpoint/control.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"

/* --- phases --------------------------------------------------------------- */

struct said {
	enum control_side side;
	enum control_word word;
};

static bool is_legal(const struct said *said, size_t n)
{
	enum control_phase phase = CONTROL_AT_START;

	for (size_t i = 0; i < n; i++) {
		if (!control_step(&phase, said[i].side, said[i].word))
			return false;
	}
	return true;
}

static const struct said login[] = {
	{ CONTROL_PARENT, CONTROL_CONFIG },
	{ CONTROL_ENDPOINT, CONTROL_HELLO },
	{ CONTROL_ENDPOINT, CONTROL_HOSTKEY },
	{ CONTROL_PARENT, CONTROL_HOSTKEY_OK },
	{ CONTROL_ENDPOINT, CONTROL_METHODS },
	{ CONTROL_PARENT, CONTROL_KEY },
	{ CONTROL_ENDPOINT, CONTROL_REFUSED },
	{ CONTROL_PARENT, CONTROL_KEY },
	{ CONTROL_ENDPOINT, CONTROL_SIGN },
	{ CONTROL_PARENT, CONTROL_SIGNATURE },
	{ CONTROL_ENDPOINT, CONTROL_READY },
	{ CONTROL_PARENT, CONTROL_OPEN },
	{ CONTROL_ENDPOINT, CONTROL_OPENED },
};

TEST(a_login_goes_through_its_phases)
{
	assert_true(is_legal(login, ARRAY_SIZE(login)));
}

/* Nothing but an error may come in the place of any step. */
TEST(no_step_can_be_left_out_or_taken_twice)
{
	for (size_t i = 0; i + 2 < ARRAY_SIZE(login); i++) {
		struct said said[ARRAY_SIZE(login) + 1];

		memcpy(said, login, sizeof(login));
		memmove(said + i, said + i + 1,
			(ARRAY_SIZE(login) - i - 1) * sizeof(*said));
		/* the first attempt and its refusal are no must */
		if (i != 5 && i != 6)
			assert_false(is_legal(said, ARRAY_SIZE(login) - 1));
		memcpy(said, login, (i + 1) * sizeof(*said));
		memcpy(said + i + 1, login + i,
		       (ARRAY_SIZE(login) - i) * sizeof(*said));
		assert_false(is_legal(said, ARRAY_SIZE(login) + 1));
	}
}

TEST(the_endpoint_cannot_be_ready_before_the_key_is_judged)
{
	static const struct said said[] = {
		{ CONTROL_PARENT, CONTROL_CONFIG },
		{ CONTROL_ENDPOINT, CONTROL_HELLO },
		{ CONTROL_ENDPOINT, CONTROL_READY },
	};

	assert_true(is_legal(said, 2));
	assert_false(is_legal(said, 3));
}

TEST(a_side_cannot_speak_the_others_words)
{
	for (size_t i = 0; i < ARRAY_SIZE(login); i++) {
		struct said said[ARRAY_SIZE(login)];

		memcpy(said, login, sizeof(login));
		said[i].side = CONTROL_PARENT + CONTROL_ENDPOINT - said[i].side;
		assert_false(is_legal(said, ARRAY_SIZE(login)));
	}
}

TEST(an_error_may_come_at_any_time_and_is_the_last_message)
{
	for (int p = CONTROL_AT_HELLO; p < CONTROL_AT_END; p++) {
		enum control_phase phase = (enum control_phase)p;

		assert_true(
			control_step(&phase, CONTROL_ENDPOINT, CONTROL_ERROR));
		for (int w = 0; w <= CONTROL_WORDS; w++)
			assert_false(control_step(&phase, CONTROL_ENDPOINT,
						  (enum control_word)w));
	}
}

TEST(every_word_has_a_name)
{
	for (int w = 1; w < CONTROL_WORDS; w++)
		assert_string_not_equal(control_word_name(w), "?");
	assert_string_equal(control_word_name(0), "?");
	assert_string_equal(control_word_name(CONTROL_WORDS), "?");
}

/* --- messages ------------------------------------------------------------- */

struct fixture {
	int us, them;
	struct control_message m;
};

static int setup(void **state)
{
	struct fixture *f = XNEW(struct fixture);
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	f->us = pair[0];
	f->them = pair[1];
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_fd(f->us);
	close_fd(f->them);
	free(f);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static const struct control_head head = { CONTROL_ENDED, 7, -1, 137 };

TEST(a_message_arrives_as_it_was_sent)
{
	struct fixture *f = *state;
	char text[CONTROL_TEXT_MAX];

	memset(text, 'x', sizeof(text));
	assert_int_equal(control_receive(f->us, &f->m, false, NULL), 1);
	assert_int_equal(control_send(f->them, &head, text, sizeof(text), NULL,
				      0, NULL),
			 0);
	assert_int_equal(control_receive(f->us, &f->m, false, NULL), 0);
	assert_memory_equal(&f->m.head, &head, sizeof(head));
	assert_int_equal(f->m.len, sizeof(text));
	assert_memory_equal(f->m.text, text, sizeof(text));
	assert_int_equal(f->m.text[f->m.len], 0);
}

TEST(descriptors_arrive_closed_on_exec)
{
	struct fixture *f = *state;
	const int fds[] = { f->us, f->them, f->us };
	int before = dup(0);

	close(before);
	assert_int_equal(control_send(f->them, &head, NULL, 0, fds, 3, NULL),
			 0);
	assert_int_equal(control_receive(f->us, &f->m, true, NULL), 0);
	assert_int_equal(f->m.n_fds, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(fcntl(f->m.fds[i], F_GETFD) & FD_CLOEXEC);
	control_drop_fds(&f->m);
	assert_int_equal(dup(0), before);
	close(before);
}

TEST(descriptors_that_were_not_asked_for_are_an_error)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	int before = dup(0);

	close(before);
	assert_int_equal(control_send(f->them, &head, NULL, 0, &f->us, 1, NULL),
			 0);
	assert_int_equal(control_receive(f->us, &f->m, false, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "none");
	assert_int_equal(dup(0), before);
	close(before);
}

TEST(what_is_too_short_or_too_long_is_no_message)
{
	static const char bytes[sizeof(head) + CONTROL_TEXT_MAX + 1];
	static const size_t lens[] = { 1, sizeof(head) - 1, sizeof(bytes) };
	struct fixture *f = *state;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		assert_int_equal(send(f->them, bytes, lens[i], 0), lens[i]);
		assert_int_equal(control_receive(f->us, &f->m, false, &err),
				 -1);
		expect_err_kind(&err, ERR_PROTOCOL, "is none");
	}
}

TEST(a_text_begins_with_as_many_strings_as_are_asked_for)
{
	static const char text[] = { 'a', 'b', 0, 0, 'c', 0, 'd' };
	const char *s[3];

	assert_int_equal(control_strings(text, sizeof(text), s, 3), 6);
	assert_string_equal(s[0], "ab");
	assert_string_equal(s[1], "");
	assert_string_equal(s[2], "c");
	assert_int_equal(control_strings(text, sizeof(text), s, 0), 0);
	/* the last one has no NUL */
	assert_int_equal(control_strings(text, 5, s, 3), -1);
	assert_int_equal(control_strings(text, 0, s, 1), -1);
}

TEST(an_end_is_seen_from_both_sides)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	close_fd(steal_fd(&f->them));
	assert_int_equal(control_receive(f->us, &f->m, false, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "closed");
	assert_int_equal(control_send(f->us, &head, NULL, 0, NULL, 0, &err),
			 -1);
	expect_err_kind(&err, ERR_CLOSED, "closed");
}

TEST(a_full_socket_is_no_failure)
{
	struct fixture *f = *state;
	int rc;

	while ((rc = control_send(f->us, &head, NULL, 0, NULL, 0, NULL)) == 0)
		;
	assert_int_equal(rc, 1);
}
