/* SPDX-License-Identifier: MIT */
#include "tests/unit/in_shells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/probe.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static const char *const shells[] = { "dash", "bash", "busybox",
				      "mksh", "ksh",  "yash" };

char in_shells_dir[40];

int in_shells_setup(void **state)
{
	(void)state;
	strcpy(in_shells_dir, "/tmp/scripts-XXXXXX");
	return mkdtemp(in_shells_dir) ? 0 : -1;
}

int in_shells_teardown(void **state)
{
	(void)state;
	return remove_tree(in_shells_dir);
}

char *in_shells_path(const char *name)
{
	return xasprintf("%s/%s", in_shells_dir, name);
}

void in_shells_put(const char *name, const char *text, mode_t mode)
{
	AUTO_FREE char *path = in_shells_path(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

char *in_shells_get(const char *name)
{
	AUTO_FREE char *path = in_shells_path(name);
	FILE *f = fopen(path, "r");
	struct buf b = { 0 };
	size_t n;

	assert_non_null(f);
	while ((n = fread(buf_reserve(&b, 4096), 1, 4096, f)))
		buf_commit(&b, n);
	(void)fclose(f);
	return buf_steal(&b);
}

/* The place of @shell, or NULL where it is not installed. */
static char *find_shell(const char *shell)
{
	static const char *const places[] = { "/bin", "/usr/bin",
					      "/usr/local/bin" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", places[i], shell);

		if (access(path, X_OK) == 0)
			return STEAL(path);
	}
	return NULL;
}

/* A directory for PATH in which sh is @shell; NULL where there is none. */
static char *as_sh(const char *shell)
{
	AUTO_FREE char *path = find_shell(shell);
	AUTO_FREE char *bin = xasprintf("%s/bin-%s", in_shells_dir, shell);
	AUTO_FREE char *sh = xasprintf("%s/sh", bin);

	if (!path)
		return NULL;
	if (mkdir(bin, 0700) == 0)
		assert_int_equal(symlink(path, sh), 0);
	return STEAL(bin);
}

char *in_shells_output(const char *shell, const char *how)
{
	AUTO_FREE char *bin = as_sh(shell);
	AUTO_FREE char *command = NULL;

	if (!bin)
		return NULL;
	command = xasprintf("cd %s && PATH=%s:$PATH && %s >out 2>&1",
			    in_shells_dir, bin, how);
	(void)!system(command);
	return in_shells_get("out");
}

void in_shells_how(const char *how, const char *script, const char *expected)
{
	AUTO_FREE char *first = NULL;
	int n = 0;

	in_shells_put("script", script, 0600);
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		AUTO_FREE char *out = in_shells_output(shells[i], how);

		if (!out)
			continue;
		n++;
		if (!expected) {
			first = STEAL(out);
			expected = first;
		} else if (strcmp(out, expected) != 0) {
			fail_msg("%s printed:\n%s\nand not:\n%s", shells[i],
				 out, expected);
		}
	}
	assert_true(n >= 2);
}

void in_shells(const char *script, const char *expected)
{
	AUTO_FREE char *whole = xasprintf(PROBE_SCRIPT_FORM, script);

	in_shells_how("sh <script", whole, expected);
}
