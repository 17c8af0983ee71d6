/* SPDX-License-Identifier: MIT */
/* supervisor: who above a QEMU would start it again. */
#include "engine/guest/supervisor.h"

#include <stdlib.h>
#include <string.h>

#include "engine/guest/shell_text.h"
#include "transport/base/xalloc.h"

/* --- what a process is ---------------------------------------------------- */

enum kind {
	KIND_OTHER,
	KIND_SUPERVISOR,
	KIND_SHELL,
	KIND_WAITER, /* waits for the one child that it has, and ends with it */
	KIND_TOP, /* starts sessions and jobs; what is above it is not asked */
};

static const struct {
	const char *name;
	enum kind kind;
	const char *remedy; /* NULL: to be ended */
} known[] = {
	{ "runsv", KIND_SUPERVISOR, "sv once SERVICE" },
	{ "s6-supervise", KIND_SUPERVISOR, "s6-svc -O SERVICEDIR" },
	{ "supervise", KIND_SUPERVISOR, "svc -o SERVICEDIR" },
	{ "perpd", KIND_SUPERVISOR, "perpctl o SERVICE" },
	{ "monit", KIND_SUPERVISOR, "monit unmonitor SERVICE" },
	{ "conmon", KIND_SUPERVISOR, "podman update --restart=no CONTAINER" },
	{ "containerd-shim", KIND_SUPERVISOR,
	  "docker update --restart=no CONTAINER" },
	{ "containerd-shim-runc-v2", KIND_SUPERVISOR,
	  "docker update --restart=no CONTAINER" },
	{ "supervisord", KIND_SUPERVISOR, NULL },
	{ "supervise-daemon", KIND_SUPERVISOR, NULL },
	{ "circusd", KIND_SUPERVISOR, NULL },
	{ "dinit", KIND_SUPERVISOR, NULL },
	{ "daemon", KIND_SUPERVISOR, NULL },
	{ "forever", KIND_SUPERVISOR, NULL },
	{ "god", KIND_SUPERVISOR, NULL },
	{ "immortal", KIND_SUPERVISOR, NULL },
	{ "PM2", KIND_SUPERVISOR, NULL },
	{ "nodemon", KIND_SUPERVISOR, NULL },
	{ "watch", KIND_SUPERVISOR, NULL },
	{ "watchexec", KIND_SUPERVISOR, NULL },
	{ "entr", KIND_SUPERVISOR, NULL },
	{ "sh", KIND_SHELL, NULL },
	{ "bash", KIND_SHELL, NULL },
	{ "rbash", KIND_SHELL, NULL },
	{ "dash", KIND_SHELL, NULL },
	{ "ash", KIND_SHELL, NULL },
	{ "hush", KIND_SHELL, NULL },
	{ "ksh", KIND_SHELL, NULL },
	{ "ksh93", KIND_SHELL, NULL },
	{ "mksh", KIND_SHELL, NULL },
	{ "yash", KIND_SHELL, NULL },
	{ "zsh", KIND_SHELL, NULL },
	{ "fish", KIND_SHELL, NULL },
	{ "csh", KIND_SHELL, NULL },
	{ "tcsh", KIND_SHELL, NULL },
	{ "sudo", KIND_WAITER, NULL },
	{ "su", KIND_WAITER, NULL },
	{ "doas", KIND_WAITER, NULL },
	{ "runuser", KIND_WAITER, NULL },
	{ "timeout", KIND_WAITER, NULL },
	{ "setpriv", KIND_WAITER, NULL },
	{ "setsid", KIND_WAITER, NULL },
	{ "flock", KIND_WAITER, NULL },
	{ "script", KIND_WAITER, NULL },
	{ "unshare", KIND_WAITER, NULL },
	{ "nsenter", KIND_WAITER, NULL },
	{ "bwrap", KIND_WAITER, NULL },
	{ "firejail", KIND_WAITER, NULL },
	{ "strace", KIND_WAITER, NULL },
	{ "ltrace", KIND_WAITER, NULL },
	{ "time", KIND_WAITER, NULL },
	{ "faketime", KIND_WAITER, NULL },
	{ "sshd", KIND_TOP, NULL },
	{ "sshd-session", KIND_TOP, NULL },
	{ "login", KIND_TOP, NULL },
	{ "getty", KIND_TOP, NULL },
	{ "agetty", KIND_TOP, NULL },
	{ "tmux", KIND_TOP, NULL },
	{ "screen", KIND_TOP, NULL },
	{ "SCREEN", KIND_TOP, NULL },
	{ "cron", KIND_TOP, NULL },
	{ "crond", KIND_TOP, NULL },
	{ "atd", KIND_TOP, NULL },
	{ "init", KIND_TOP, NULL },
	{ "systemd", KIND_TOP, NULL },
	{ "vmferry", KIND_TOP, NULL },
};

/* "tmux: server" is tmux, "-bash" a login shell, "/bin/sh" sh. */
static char *plain(const char *name)
{
	const char *slash = strrchr(name, '/');

	name = slash ? slash + 1 : name;
	name += *name == '-';
	return xstrndup(name, strcspn(name, ": "));
}

static int row_of(const char *name)
{
	AUTO_FREE char *s = name ? plain(name) : NULL;

	for (size_t i = 0; s && i < ARRAY_SIZE(known); i++) {
		if (!strcmp(known[i].name, s))
			return (int)i;
	}
	return -1;
}

/* Of a program that runs others, the word that says which. */
static size_t first_word(const struct ancestor *a)
{
	static const char *const carriers[] = { "busybox", "toybox", "python",
						"perl",	   "ruby",   "node" };
	AUTO_FREE char *s = a->argv.n > 1 ? plain(a->argv.v[0]) : NULL;

	for (size_t i = 0; s && i < ARRAY_SIZE(carriers); i++) {
		if (!strncmp(s, carriers[i], strlen(carriers[i])))
			return 1;
	}
	return 0;
}

/*
 * The row of what @a is. The file it runs says more than its name, which a
 * script has from its own file; but supervisors in Python have only that.
 */
static int look_up(const struct ancestor *a)
{
	size_t word = first_word(a);
	int row = row_of(a->exe);

	if (row < 0 && a->argv.n > word)
		row = row_of(a->argv.v[word]);
	return row < 0 ? row_of(a->comm) : row;
}

/* --- shells --------------------------------------------------------------- */

/* How a shell was started, by its command line. */
struct shell {
	const char *text; /* behind -c */
	const char *file; /* the script's name */
	bool interactive; /* -i */
};

static bool takes_word(const char *option)
{
	static const char *const options[] = {
		"-o", "+o", "-O", "+O", "--rcfile", "--init-file"
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!strcmp(option, options[i]))
			return true;
	}
	return false;
}

static struct shell read_words(const struct ancestor *a)
{
	const struct strv *v = &a->argv;
	struct shell s = { NULL, NULL, false };
	size_t i = first_word(a) + 1;
	bool command = false, input = false;

	for (; i < v->n && (*v->v[i] == '-' || *v->v[i] == '+'); i++) {
		const char *word = v->v[i];
		bool letters = word[1] && word[1] != '-';

		if (!strcmp(word, "--") || !strcmp(word, "-")) {
			i++;
			break;
		}
		command |= letters && strchr(word, 'c');
		input |= letters && strchr(word, 's');
		s.interactive |= letters && strchr(word, 'i');
		i += takes_word(word);
	}
	if (i < v->n && command)
		s.text = v->v[i];
	else if (i < v->n && !input)
		s.file = v->v[i];
	return s;
}

enum text {
	TEXT_PERSON,
	TEXT_ONCE,
	TEXT_ASKS,
	TEXT_REPEATS,
	TEXT_GOES_ON,
	TEXT_UNREAD,
};

static enum text judge_text(const struct ancestor *a, const struct shell *s)
{
	const char *text = s->text ? s->text : s->file ? a->script : a->input;

	if (!s->text && !s->file && (s->interactive || a->on_tty))
		return TEXT_PERSON;
	if (text && shell_text_repeats(text))
		return strstr(text, "vmferry owns ") ? TEXT_ASKS : TEXT_REPEATS;
	if (!text || (!s->text && a->cut))
		return TEXT_UNREAD;
	if (shell_text_goes_on(text))
		return strstr(text, "vmferry owns ") ? TEXT_ASKS : TEXT_GOES_ON;
	return TEXT_ONCE;
}

/* What it runs, for people. */
static char *describe(const struct ancestor *a, const struct shell *s)
{
	const char *name = a->comm && *a->comm ? a->comm : "the shell";

	if (s->file)
		return xasprintf("%s (pid %d), which runs %s,", name,
				 (int)a->pid, s->file);
	return xasprintf("%s (pid %d), which runs %s,", name, (int)a->pid,
			 s->text ? "a -c text" : "its standard input");
}

/* --- the verdict ---------------------------------------------------------- */

static bool is_stopped(const struct ancestor *a)
{
	return a->state == 'T' || a->state == 't';
}

/* Ending it must not take the terminal, and QEMU with it, away. */
static char *end_it(const struct ancestor *a)
{
	if (a->leads_tty)
		return xasprintf("stop process %d, which QEMU's terminal "
				 "belongs to, for good: kill -STOP %d; QEMU "
				 "goes on",
				 (int)a->pid, (int)a->pid);
	return xasprintf("end process %d: kill -KILL %d; QEMU goes on without "
			 "it",
			 (int)a->pid, (int)a->pid);
}

/* Takes @found over. What is stopped starts nothing as long as it is. */
static void set(struct supervisor *out, const struct ancestor *a,
		enum supervisor_verdict verdict, char *found, char *remedy)
{
	if (verdict <= out->verdict) {
		free(found);
		free(remedy);
		return;
	}
	supervisor_free(out);
	out->verdict = verdict;
	out->pid = a->pid;
	out->found = found;
	out->remedy = remedy;
	if (verdict != SUPERVISOR_STARTS || !is_stopped(a))
		return;
	out->verdict = SUPERVISOR_UNKNOWN;
	out->found = xasprintf("%s; it is stopped now", found);
	free(found);
	free(remedy);
	out->remedy = xasprintf("never continue process %d", (int)a->pid);
}

static void judge_supervisor(const struct ancestor *a, int row,
			     struct supervisor *out)
{
	const char *remedy = known[row].remedy;

	set(out, a, SUPERVISOR_STARTS,
	    xasprintf("QEMU is kept running by %s (pid %d), which would start "
		      "the guest here again",
		      known[row].name, (int)a->pid),
	    remedy ? xasprintf("%s; it then leaves QEMU as it is", remedy)
		   : end_it(a));
}

/* True when nothing above it matters. */
static bool judge_shell(const struct ancestor *a, bool ours,
			struct supervisor *out)
{
	struct shell s = read_words(a);
	AUTO_FREE char *what = describe(a, &s);

	/* it waits for the guest's end, and cleans up */
	if (ours && !s.file && !s.text)
		return false;
	switch (judge_text(a, &s)) {
	case TEXT_PERSON:
		return true;
	case TEXT_ONCE:
		set(out, a, SUPERVISOR_UNKNOWN,
		    xasprintf("%s waits for QEMU, and goes on when the guest "
			      "has moved",
			      what),
		    end_it(a));
		return false;
	case TEXT_ASKS:
		set(out, a, SUPERVISOR_UNKNOWN,
		    xasprintf("%s waits for QEMU in a text that may start it "
			      "again, and asks vmferry owns",
			      what),
		    xstrdup("make sure that it asks each time before it "
			    "starts QEMU"));
		return false;
	case TEXT_REPEATS:
		set(out, a, SUPERVISOR_STARTS,
		    xasprintf("%s waits for QEMU in a text with a loop: it "
			      "would start the guest here again",
			      what),
		    end_it(a));
		return false;
	case TEXT_GOES_ON:
		set(out, a, SUPERVISOR_STARTS,
		    xasprintf("%s waits for QEMU, and goes on with other "
			      "commands: they may start the guest here again",
			      what),
		    end_it(a));
		return false;
	case TEXT_UNREAD:
		set(out, a, SUPERVISOR_STARTS,
		    xasprintf("%s waits for QEMU, and its text cannot be read: "
			      "it may start the guest here again",
			      what),
		    end_it(a));
		return false;
	}
	return false;
}

static void judge_other(const struct ancestor *a, struct supervisor *out)
{
	/* init adopts what has lost its parent */
	if (a->pid == 1)
		return;
	set(out, a, SUPERVISOR_UNKNOWN,
	    xasprintf("QEMU's parent %s (pid %d) lives, and may start the "
		      "guest here again",
		      a->comm && *a->comm ? a->comm : "process", (int)a->pid),
	    end_it(a));
}

void supervisor_judge(const struct ancestors *list, bool ours,
		      struct supervisor *out)
{
	*out = (struct supervisor){ .verdict = SUPERVISOR_NONE };
	for (size_t i = 0; i < list->n; i++) {
		const struct ancestor *a = &list->v[i];
		int row = look_up(a);
		enum kind kind = row < 0 ? KIND_OTHER : known[row].kind;

		if (kind == KIND_SUPERVISOR)
			judge_supervisor(a, row, out);
		else if (kind == KIND_OTHER)
			judge_other(a, out);
		if (kind == KIND_OTHER || kind == KIND_TOP ||
		    (kind == KIND_SHELL && judge_shell(a, ours && !i, out)))
			return;
	}
	if (list->n && !list->hidden)
		return;
	set(out, &(struct ancestor){ .pid = 0 }, SUPERVISOR_UNKNOWN,
	    xstrdup("a process above QEMU cannot be seen from here, and may "
		    "start the guest here again"),
	    xstrdup("make sure that nothing restarts QEMU"));
}

void supervisor_free(struct supervisor *s)
{
	free(s->found);
	free(s->remedy);
	*s = (struct supervisor){ .verdict = SUPERVISOR_NONE };
}
