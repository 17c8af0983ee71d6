/* SPDX-License-Identifier: MIT */
/* ssh_config: what ssh -G says. */
#include "transport/ssh_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"

TEST(settings_are_read)
{
	struct ssh_config c = { .hostname = NULL };

	ssh_config_parse(&c, "host alias\nuser bob\nhostname h.example\n"
			     "port 2222\nidentitiesonly yes\n"
			     "proxyjump a,b\nhostkeyalias other\n"
			     "identityagent /run/agent\nconnecttimeout 7\n");
	assert_string_equal(c.user, "bob");
	assert_string_equal(c.hostname, "h.example");
	assert_string_equal(c.port, "2222");
	assert_true(c.identities_only);
	assert_string_equal(c.proxy_jump, "a,b");
	assert_null(c.proxy_command);
	assert_string_equal(c.hostkey_alias, "other");
	assert_string_equal(c.agent, "/run/agent");
	assert_int_equal(c.connect_timeout_s, 7);
	ssh_config_free(&c);
}

TEST(identity_files_keep_order_and_spaces)
{
	struct ssh_config c = { .hostname = NULL };
	AUTO_FREE char *all = NULL;

	ssh_config_parse(&c, "identityfile ~/.ssh/one key\n"
			     "identityfile none\nidentityfile /two\n");
	all = strv_join(&c.identities, "|");
	assert_string_equal(all, "~/.ssh/one key|/two");
	ssh_config_free(&c);
}

TEST(the_users_known_hosts_are_not_the_global_ones)
{
	struct ssh_config c = { .hostname = NULL };
	AUTO_FREE char *user = NULL, *global = NULL;

	ssh_config_parse(&c, "globalknownhostsfile /g1 /g2\n"
			     "userknownhostsfile /u1 /u2\n");
	user = strv_join(&c.user_known_hosts, "|");
	global = strv_join(&c.global_known_hosts, "|");
	assert_string_equal(user, "/u1|/u2");
	assert_string_equal(global, "/g1|/g2");
	ssh_config_free(&c);
}

static enum ssh_strict strict(const char *text)
{
	struct ssh_config c = { .hostname = NULL };
	enum ssh_strict value;

	ssh_config_parse(&c, text);
	value = c.strict;
	ssh_config_free(&c);
	return value;
}

TEST(how_strictly_keys_are_checked_is_read)
{
	assert_int_equal(strict(""), SSH_STRICT_ASK);
	assert_int_equal(strict("stricthostkeychecking ask"), SSH_STRICT_ASK);
	assert_int_equal(strict("stricthostkeychecking true"), SSH_STRICT_YES);
	assert_int_equal(strict("stricthostkeychecking yes"), SSH_STRICT_YES);
	assert_int_equal(strict("stricthostkeychecking accept-new"),
			 SSH_STRICT_ACCEPT_NEW);
	assert_int_equal(strict("stricthostkeychecking false"), SSH_STRICT_NO);
	assert_int_equal(strict("stricthostkeychecking off"), SSH_STRICT_NO);
}

TEST(the_ways_to_log_in_are_read)
{
	struct ssh_config c = { .hostname = NULL };

	ssh_config_parse(&c, "batchmode yes\npubkeyauthentication false\n"
			     "passwordauthentication no\n"
			     "kbdinteractiveauthentication no\n"
			     "gssapiauthentication yes\n"
			     "hostbasedauthentication true\n"
			     "preferredauthentications a,b\n"
			     "numberofpasswordprompts 1\n");
	assert_true(c.batch && c.no_publickey && c.no_password &&
		    c.no_keyboard_interactive && c.gssapi && c.hostbased);
	assert_string_equal(c.authentications, "a,b");
	assert_int_equal(c.password_prompts, 1);
	ssh_config_parse(&c, "batchmode no\npubkeyauthentication unbound\n"
			     "passwordauthentication yes\n");
	assert_false(c.batch || c.no_publickey || c.no_password);
	ssh_config_free(&c);
}

TEST(what_may_be_negotiated_is_read)
{
	struct ssh_config c = { .hostname = NULL };

	ssh_config_parse(&c, "ciphers a,b\nmacs c\nkexalgorithms d\n");
	assert_string_equal(c.ciphers, "a,b");
	assert_string_equal(c.macs, "c");
	assert_string_equal(c.kex, "d");
	ssh_config_free(&c);
}

TEST(none_means_none)
{
	struct ssh_config c = { .hostname = NULL };

	ssh_config_parse(&c, "proxyjump none\nproxycommand none\n"
			     "connecttimeout none\nidentityagent none\n"
			     "userknownhostsfile none\n");
	assert_int_equal(c.user_known_hosts.n, 0);
	assert_null(c.proxy_jump);
	assert_null(c.proxy_command);
	assert_int_equal(c.connect_timeout_s, 0);
	assert_string_equal(c.agent, "none");
	ssh_config_free(&c);
}

TEST(odd_lines_are_skipped)
{
	struct ssh_config c = { .hostname = NULL };

	ssh_config_parse(&c, "\n\nport\nunknown thing\nport 22");
	assert_string_equal(c.port, "22");
	ssh_config_free(&c);
}

TEST(tokens_and_tilde_are_expanded)
{
	struct ssh_config c = { .hostname = NULL };
	AUTO_FREE char *a = NULL, *b = NULL;

	ssh_config_parse(&c, "hostname h\nport 1\nuser r\n");
	a = ssh_config_expand(&c, "~/%h-%p-%r-%n-%u-%%-%x-%", "n", "/home/u",
			      "u");
	b = ssh_config_expand(&c, "x~/%d", "n", "/home/u", "u");
	assert_string_equal(a, "/home/u/h-1-r-n-u-%-%x-%");
	assert_string_equal(b, "x~//home/u");
	ssh_config_free(&c);
}

/* --- with a real ssh -G -------------------------------------------------- */

struct reading {
	const char *file;
	struct host_target target;
	struct host_options opt;
};

static void read_options(void *arg)
{
	struct ssh_config c = { .hostname = NULL };
	struct reading *r = arg;
	struct err err = { 0 };

	assert_int_equal(ssh_config_read(&c, &r->target, &r->opt,
					 mono_in_ms(20000), &err),
			 0);
	assert_string_equal(c.user, "bob");
	assert_string_equal(c.port, "99");
	assert_string_equal(c.hostname, "far.example");
	assert_string_equal(c.identities.v[0], "/mine");
	assert_string_equal(c.identities.v[1], "/theirs");
	assert_int_equal(c.user_known_hosts.n, 1);
	assert_string_equal(c.user_known_hosts.v[0], "/kh");
	assert_int_equal(c.global_known_hosts.n, 0);
	assert_int_equal(c.beyond.n, 0);
	/* nobody can be asked */
	assert_true(c.batch);
	ssh_config_free(&c);
}

static void read_nonsense(void *arg)
{
	struct ssh_config c = { .hostname = NULL };
	struct reading *r = arg;
	struct err err = { 0 };

	assert_int_equal(ssh_config_read(&c, &r->target, &r->opt,
					 mono_in_ms(20000), &err),
			 -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.cause->message, "nonsense"));
	err_reset(&err);
	ssh_config_free(&c);
}

static void with_file(const char *text, void (*fn)(void *arg))
{
	char path[] = "/tmp/vmferry-config-XXXXXX";
	struct reading r = {
		.target = { .user = (char[]){ "bob" },
			    .host = (char[]){ "near" },
			    .port = (char[]){ "99" } },
		.opt = { .ssh_config = path,
			 .identity = "/mine",
			 .known_hosts = "/kh" },
	};
	int fd;

	if (access("/usr/bin/ssh", X_OK) < 0)
		skip();
	fd = mkstemp(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	in_task(fn, &r);
	unlink(path);
}

TEST(the_command_line_outdoes_the_file)
{
	with_file("Host near\nHostName far.example\nUser alice\nPort 5\n"
		  "IdentityFile /theirs\nUserKnownHostsFile /other\n",
		  read_options);
}

static void read_beyond(void *arg)
{
	struct ssh_config c = { .hostname = NULL };
	struct reading *r = arg;
	struct err err = { 0 };
	AUTO_FREE char *list = NULL;

	assert_int_equal(ssh_config_read(&c, &r->target, &r->opt,
					 mono_in_ms(20000), &err),
			 0);
	list = strv_join(&c.beyond, "|");
	assert_string_equal(list, "checkhostip yes|bindaddress 192.0.2.1");
	ssh_config_free(&c);
}

TEST(settings_that_cannot_be_followed_are_named)
{
	with_file("CheckHostIP yes\nBindAddress 192.0.2.1\nTunnel yes\n",
		  read_beyond);
}

/* ssh(1) refuses them where it has no command, or one of its own. */
TEST(settings_that_need_a_command_are_resolved)
{
	with_file("Host near\nHostName far.example\nUser alice\n"
		  "ForkAfterAuthentication yes\nRemoteCommand uptime\n"
		  "IdentityFile /theirs\n",
		  read_options);
}

TEST(a_bad_file_is_named_with_sshs_words)
{
	with_file("nonsense yes\n", read_nonsense);
}
