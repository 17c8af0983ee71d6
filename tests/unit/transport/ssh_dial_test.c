/* SPDX-License-Identifier: MIT */
/* ssh_dial: the words for ssh(1) as a proxy, and a ProxyCommand. */
#include "transport/ssh_dial.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

static void expect(const char *jump, const struct ssh_dial_options *o,
		   const char *want)
{
	struct ssh_config c = { .hostname = (char[]){ "h" },
				.port = (char[]){ "22" } };
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *got = NULL;

	c.proxy_jump = xstrdup(jump);
	ssh_dial_jump_argv(&argv, &c, o);
	free(c.proxy_jump);
	got = strv_join(&argv, " ");
	assert_string_equal(got, want);
}

#define TO "-W [h]:22 "

TEST(every_form_of_a_hop_is_understood)
{
	const struct ssh_dial_options o = { .interactive = true };

	expect("j", &o, "ssh " TO "-- j");
	expect("u@j", &o, "ssh " TO "-l u -- j");
	expect("u@j:2222", &o, "ssh " TO "-l u -p 2222 -- j");
	expect("[::1]:2222", &o, "ssh " TO "-p 2222 -- ::1");
	expect("[::1]", &o, "ssh " TO "-- ::1");
	expect("::1", &o, "ssh " TO "-- ::1");
	expect("ssh://u@j:2222", &o, "ssh " TO "-- ssh://u@j:2222");
}

TEST(earlier_hops_are_left_to_the_last_one)
{
	const struct ssh_dial_options o = { .interactive = true };

	expect("a,u@b:3,c", &o, "ssh -J a,u@b:3 " TO "-- c");
}

TEST(options_are_passed_on)
{
	const struct ssh_dial_options o = {
		.config_file = (char[]){ "/f" },
	};

	expect("j", &o, "ssh -F /f -o BatchMode=yes " TO "-- j");
}

IN_TASK(a_proxy_command_carries_bytes_and_its_words_are_kept)
{
	const struct ssh_dial_options o = { .interactive = false };
	struct ssh_config c = {
		.hostname = (char[]){ "h" },
		.port = (char[]){ "22" },
		.proxy_command = (char[]){ "sh -c 'cat; echo sorry >&2'" },
	};
	struct mono soon = mono_in_ms(20000);
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *text = NULL;
	struct ssh_proxy *proxy;
	struct stream *s;
	char back[3];
	int fd;

	fd = ssh_dial(&c, &o, &proxy, soon, &err);
	assert_true(fd >= 0);
	s = stream_fd_new(fd, fd);
	assert_int_equal(stream_write(s, "hi\n", 3, soon, &err), 0);
	assert_int_equal(stream_read(s, back, 3, soon, &err), 3);
	assert_memory_equal(back, "hi\n", 3);
	stream_close(s);
	err_set(&err, ERR_NETWORK, "gone");
	ssh_proxy_explain(proxy, &err);
	text = err_text(&err);
	assert_string_equal(text, "gone: the proxy said: sorry");
	ssh_proxy_free(proxy);
}
