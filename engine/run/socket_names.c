/* SPDX-License-Identifier: MIT */
/* socket_names: the names that users know a guest's sockets by. */
#include "engine/run/socket_names.h"

#include <stdlib.h>
#include <sys/stat.h>

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

void socket_names_mark(struct argv_moves *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct argv_move *move = &m->v[i];

		free(move->id);
		/* what could not be renamed yet stands where QEMU made it */
		move->id = id_of(move->now);
		if (!move->id)
			move->id = id_of(move->public);
	}
}

/*
 * A socket can be renamed within one file system only (a copy would be another
 * inode); elsewhere the public name becomes a symbolic link to it.
 */
static const char give_function[] =
	"give() {\n"
	"	[ -e \"$1\" ] || return 0\n"
	"	d=$(dirname -- \"$2\")\n"
	"	if [ \"$(stat -c %d -- \"$1\")\" = \"$(stat -c %d -- \"$d\")\" "
	"]\n"
	"	then mv -f -T -- \"$1\" \"$2\"\n"
	"	else ln -s -n -f -- \"$1\" \"$2.vmferry\" && "
	"mv -f -T -- \"$2.vmferry\" \"$2\"; fi ||\n"
	"	{ echo \"cannot give $1 its name $2\" >&2; rc=1; }\n"
	"}\nrc=0\n";

/*
 * Between a look and a removal the guest may come back and get its name again.
 * So the name is looked at, moved out of the way, which is atomic, and what was
 * moved is looked at again: another's gets its name back, unless a newer one
 * has it by then. Whether somebody listens would not tell: the socket of a QEMU
 * that is just starting refuses clients, too.
 */
static const char take_function[] =
	"is_old() {\n"
	"	if [ -L \"$1\" ]\n"
	"	then [ \"$(readlink -- \"$1\")\" = \"$2\" ]\n"
	"	else [ -n \"$3\" ] &&\n"
	"		[ \"$(stat -c %d:%i:%Y -- \"$1\")\" = \"$3\" ]; fi\n"
	"}\n"
	"take() {\n"
	"	is_old \"$2\" \"$1\" \"$3\" || return 0\n"
	"	mv -f -T -- \"$2\" \"$2.gone\" || return 0\n"
	"	is_old \"$2.gone\" \"$1\" \"$3\" ||\n"
	"		ln -P -T -- \"$2.gone\" \"$2\"\n"
	"	rm -f -- \"$2.gone\"\n"
	"}\nexec 2>/dev/null\n";

static void call(struct buf *words, const char *function,
		 const struct argv_move *m)
{
	buf_printf(words, "%s ", function);
	quote_word(words, m->now);
	buf_printf(words, " ");
	quote_word(words, m->public);
	buf_printf(words, " ");
	quote_word(words, m->id ? m->id : "");
	buf_printf(words, "\n");
}

void socket_names_give(struct buf *words, const struct argv_moves *m)
{
	buf_printf(words, "%s", give_function);
	for (size_t i = 0; i < m->n; i++)
		call(words, "give", &m->v[i]);
	buf_printf(words, "exit $rc\n");
}

void socket_names_take(struct buf *words, const struct argv_moves *m)
{
	buf_printf(words, "%s", take_function);
	for (size_t i = 0; i < m->n; i++)
		call(words, "take", &m->v[i]);
	buf_printf(words, "exit 0\n");
}
