/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/layers.c. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tools/cli/layers.h"
#include "transport/base/xalloc.h"
#include "transport/host_options.h"

static int read_text(struct settings *s, const char *text, struct err *err)
{
	AUTO_FREE char *copy = xstrdup(text);

	return layers_read_text(&cmd_migrate, s, "x.conf", copy, err);
}

static void assert_refused(const char *text, const char *words)
{
	struct settings s;
	struct err err = { 0 };
	AUTO_FREE char *said = NULL;

	settings_init(&s);
	assert_int_equal(read_text(&s, text, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	said = err_text(&err);
	if (!strstr(said, words))
		fail_msg("\"%s\" is not in \"%s\"", words, said);
	err_reset(&err);
	settings_free(&s);
}

TEST(sections_and_keys_are_the_options)
{
	struct settings s;

	settings_init(&s);
	assert_int_equal(read_text(&s,
				   "# mine\n\n[ssh]\n"
				   "  identity = /root/.ssh/move  \n"
				   "accept-new-host-key = yes\n"
				   "become = sudo\n"
				   "; and\n[migrate]\nmax-blackout=100\n"
				   "remap = /a=/b\nremap = /c=/d",
				   NULL),
			 0);
	assert_string_equal(s.identity, "/root/.ssh/move");
	assert_true(s.accept_new_host_key);
	assert_int_equal(s.become, HOST_BECOME_SUDO);
	assert_true(s.max_blackout_ms == 100);
	assert_int_equal(s.remaps.n, 2);
	settings_free(&s);
}

TEST(the_stronger_layer_keeps_its_word)
{
	struct settings s;
	const struct option *o =
		option_find(cmd_migrate.groups, "max-blackout");

	settings_init(&s);
	o->set(o, &s, "50", NULL);
	settings_note(&s, o->offset);
	assert_int_equal(read_text(&s, "[migrate]\nmax-blackout = 999\n", NULL),
			 0);
	assert_true(s.max_blackout_ms == 50);
	settings_free(&s);
}

TEST(a_key_of_another_command_is_left_alone)
{
	struct settings s;
	char text[] = "[migrate]\nmax-blackout = 7\n";

	settings_init(&s);
	assert_int_equal(layers_read_text(&cmd_list, &s, "x.conf", text, NULL),
			 0);
	assert_true(s.max_blackout_ms == 300);
	settings_free(&s);
}

TEST(a_mistake_is_named_with_its_line)
{
	assert_refused("[migrate]\n\nmax-blakout = 7\n", "x.conf, line 3");
	assert_refused("[migrate]\nmax-blakout = 7\n", "max-blakout");
	assert_refused("[migrate]\nmax-blackout = soon\n", "milliseconds");
	assert_refused("[ssh]\nmax-blackout = 7\n", "[ssh]");
	assert_refused("[migrate]\nwhat\n", "KEY = VALUE");
	assert_refused("[output]\nquiet = perhaps\n", "yes or no");
}

TEST(what_is_for_the_command_line_only_is_no_key)
{
	assert_refused("[migrate]\nskip-check = ram\n", "skip-check");
	assert_refused("[migrate]\ninsecure = yes\n", "insecure");
	assert_refused("[output]\njson = yes\n", "json");
}

/* --- environment and files ----------------------------------------------- */

static char home[] = "/tmp/vmferry-layers-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(home));
	setenv("XDG_CONFIG_HOME", home, 1);
	return 0;
}

static int tear_down(void **state)
{
	AUTO_FREE char *dir = xasprintf("%s/vmferry", home);
	AUTO_FREE char *file = xasprintf("%s/vmferry.conf", dir);

	(void)state;
	(void)unlink(file);
	(void)rmdir(dir);
	return rmdir(home);
}

TEST_GROUP_FIXTURE(set_up, tear_down);

static void write_file(const char *text)
{
	AUTO_FREE char *dir = xasprintf("%s/vmferry", home);
	AUTO_FREE char *path = xasprintf("%s/vmferry.conf", dir);
	FILE *f;

	(void)mkdir(dir, 0700);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

TEST(the_environment_is_stronger_than_the_file)
{
	struct settings s;

	settings_init(&s);
	write_file("[migrate]\nmax-blackout = 5\ndeadline = 60\n");
	setenv("VMFERRY_MAX_BLACKOUT", "20", 1);
	assert_int_equal(layers_read(&cmd_migrate, &s, NULL), 0);
	unsetenv("VMFERRY_MAX_BLACKOUT");
	assert_true(s.max_blackout_ms == 20);
	assert_true(s.deadline_s == 60);
	settings_free(&s);
}

static double blackout_with(const char *config_home)
{
	struct settings s;
	double ms;

	settings_init(&s);
	if (config_home)
		setenv("XDG_CONFIG_HOME", config_home, 1);
	else
		unsetenv("XDG_CONFIG_HOME");
	assert_int_equal(layers_read(&cmd_migrate, &s, NULL), 0);
	setenv("XDG_CONFIG_HOME", home, 1);
	ms = s.max_blackout_ms;
	settings_free(&s);
	return ms;
}

/* HOME/.config is where write_file() puts it. */
TEST(without_xdg_config_home_the_file_is_below_home)
{
	AUTO_FREE char *before = xstrdup(getenv("HOME"));
	AUTO_FREE char *config = xasprintf("%s/.config", home);

	write_file("[migrate]\nmax-blackout = 7\n");
	assert_int_equal(symlink(".", config), 0);
	setenv("HOME", home, 1);
	assert_true(blackout_with(NULL) == 7);
	assert_true(blackout_with("") == 7);
	assert_true(blackout_with("/nonexistent") != 7);
	if (before)
		setenv("HOME", before, 1);
	else
		unsetenv("HOME");
	assert_int_equal(unlink(config), 0);
}

TEST(a_bad_variable_is_named)
{
	struct settings s;
	struct err err = { 0 };

	settings_init(&s);
	setenv("VMFERRY_COLOR", "pink", 1);
	assert_int_equal(layers_read(&cmd_migrate, &s, &err), -1);
	unsetenv("VMFERRY_COLOR");
	assert_non_null(strstr(err.message, "VMFERRY_COLOR"));
	err_reset(&err);
	settings_free(&s);
}
