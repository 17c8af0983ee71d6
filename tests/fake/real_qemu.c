/* SPDX-License-Identifier: MIT */
/* real_qemu: a real QEMU without a guest system, for tests. */
#include "tests/fake/real_qemu.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transport/base/strv.h"
#include "transport/base/xalloc.h"

struct real_qemu {
	pid_t pid;
	char *dir;
	char *socket;
};

static const char program[] = "qemu-system-x86_64";

static int installed(void)
{
	AUTO_FREE char *path = xstrdup(getenv("PATH"));
	char *next = NULL;

	for (char *dir = path ? strtok_r(path, ":", &next) : NULL; dir;
	     dir = strtok_r(NULL, ":", &next)) {
		AUTO_FREE char *file = xasprintf("%s/%s", dir, program);

		if (access(file, X_OK) == 0)
			return 1;
	}
	return 0;
}

static void arguments(const struct real_qemu *r, struct strv *argv,
		      const char *const *extra)
{
	static const char *const always[] = {
		program, "-accel",  "tcg",  "-nodefaults", "-display",
		"none",	 "-serial", "none", "-m",	   "131080K",
	};

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		strv_push(argv, always[i]);
	strv_push(argv, "-qmp");
	strv_pushf(argv, "unix:%s,server=on,wait=off", r->socket);
	for (; extra && *extra; extra++)
		strv_push(argv, *extra);
}

static void run(const struct real_qemu *r, char *const *argv)
{
	/* not even a test that is killed leaves one behind */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(r->dir) == 0)
		execvp(program, argv);
	perror(program);
	_exit(127);
}

/* Its file exists before it listens, and a connect would take the place. */
static int listens(const char *path)
{
	static const char accepting[] = " 00010000 ";
	FILE *f = fopen("/proc/net/unix", "re");
	char line[512];
	int found = 0;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, accepting) && strstr(line, path);
	if (f)
		fclose(f);
	return found;
}

static void wait_socket(struct real_qemu *r)
{
	while (!listens(r->socket)) {
		if (waitpid(r->pid, NULL, WNOHANG) == r->pid) {
			fprintf(stderr, "%s ended at once\n", program);
			abort();
		}
		usleep(5000);
	}
}

struct real_qemu *real_qemu_start(const char *const *extra)
{
	char template[] = "/tmp/vmferry-test.XXXXXX";
	AUTO_STRV struct strv argv = { 0 };
	struct real_qemu *r;

	if (!installed())
		return NULL;
	r = XNEW(struct real_qemu);
	if (!mkdtemp(template))
		abort();
	r->dir = xstrdup(template);
	r->socket = xasprintf("%s/qmp.sock", r->dir);
	arguments(r, &argv, extra);
	r->pid = fork();
	if (r->pid < 0)
		abort();
	if (r->pid == 0)
		run(r, strv_argv(&argv));
	wait_socket(r);
	return r;
}

const char *real_qemu_socket(const struct real_qemu *r)
{
	return r->socket;
}

const char *real_qemu_dir(const struct real_qemu *r)
{
	return r->dir;
}

pid_t real_qemu_pid(const struct real_qemu *r)
{
	return r->pid;
}

static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	(void)rmdir(dir);
}

void real_qemu_end(struct real_qemu *r)
{
	if (!r)
		return;
	kill(r->pid, SIGKILL);
	(void)waitpid(r->pid, NULL, 0);
	remove_dir(r->dir);
	free(r->dir);
	free(r->socket);
	free(r);
}
