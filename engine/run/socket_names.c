/* SPDX-License-Identifier: MIT */
/* socket_names: the names that users know a guest's sockets by. */
#include "engine/run/socket_names.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/xalloc.h"
#include "transport/quote.h"

/*
 * An inode's number is used again once it is free, by a file that is younger.
 * Neither a rename nor a change of rights or a client touches the time.
 */
static char *id_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return NULL;
	return xasprintf("%llu:%llu:%lld", (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino, (long long)st.st_mtime);
}

/* The pid in @path, which may be anybody's file; 0: none. */
static long pid_in(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtol(text, NULL, 10);
}

/* A pid file on another file system is one more file with that pid. */
static bool is_copy(const struct argv_move *m)
{
	long pid = pid_in(m->now);

	return pid > 0 && pid_in(m->public) == pid;
}

void socket_names_mark(struct argv_moves *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct argv_move *move = &m->v[i];

		free(move->id);
		move->id = NULL;
		if (argv_moves_is_log(move))
			continue;
		if (argv_moves_is_pidfile(move) && is_copy(move)) {
			move->id = id_of(move->public);
			continue;
		}
		/* what could not be renamed yet is where QEMU made it */
		move->id = id_of(move->now);
		if (!move->id)
			move->id = id_of(move->public);
	}
}

extern const char socket_give_sh[], socket_take_sh[];

static const char *use_of(const struct argv_move *m)
{
	return argv_moves_is_pidfile(m) ? "pid" : "socket";
}

static void call(struct buf *words, const char *function,
		 const struct argv_moves *all, size_t i)
{
	const struct argv_move *m = &all->v[i];

	/* a log is written under its public name all the time */
	if (argv_moves_is_log(m))
		return;
	buf_printf(words, "%s ", function);
	quote_word(words, m->now);
	buf_printf(words, " ");
	quote_word(words, m->public);
	buf_printf(words, " ");
	quote_word(words, m->id ? m->id : "");
	buf_printf(words, " %s %zu\n", use_of(m), i);
}

void socket_names_look(struct buf *script, const struct argv_moves *m)
{
	buf_printf(script, "taken=\n");
	for (size_t i = 0; i < m->n; i++) {
		if (argv_moves_is_log(&m->v[i]))
			continue;
		/* in this shell, which remembers that nobody answered */
		buf_printf(script, "name_use %s ", use_of(&m->v[i]));
		quote_word(script, m->v[i].public);
		buf_printf(script,
			   " >/dev/null\n"
			   "[ \"$use\" = free ] || taken=\"$taken %zu\"\n",
			   i);
	}
	buf_printf(script, "export taken\n");
}

void socket_names_give(struct buf *words, const struct argv_moves *m)
{
	buf_printf(words, "%s", socket_give_sh);
	for (size_t i = 0; i < m->n; i++)
		call(words, "give", m, i);
	buf_printf(words, "exit $rc\n");
}

void socket_names_take(struct buf *words, const struct argv_moves *m)
{
	buf_printf(words, "%s", socket_take_sh);
	for (size_t i = 0; i < m->n; i++)
		call(words, "take", m, i);
	buf_printf(words, "exit 0\n");
}
