/* SPDX-License-Identifier: MIT */
/* argv_work: what the handlers share while a command line is rebuilt. */
#include "engine/argv/argv_work.h"

#include <stdarg.h>
#include <string.h>
#include <sys/un.h>

#include "engine/argv/argv_own.h"
#include "engine/argv/argv_path.h"
#include "engine/argv/argv_secret.h"
#include "transport/base/xalloc.h"

void argv_work_emit(struct argv_work *w, const struct argv_item *it,
		    const char *value)
{
	argv_item_push(&w->out->argv,
		       &(struct argv_item){ .word = it->word, .value = value });
}

void argv_work_keep(struct argv_work *w, const struct argv_item *it)
{
	argv_item_push(&w->out->argv, it);
}

void argv_work_emit_opt(struct argv_work *w, const struct argv_item *it,
			const struct argv_opt *o)
{
	AUTO_FREE char *text = argv_opt_text(o);

	argv_work_emit(w, it, text);
}

static char *option_text(const struct argv_item *it)
{
	AUTO_FREE char *value = NULL;

	if (!it)
		return xstrdup("");
	value = argv_secret_blank(it);
	return xasprintf("%s%s%s", it->word ? it->word : "",
			 it->word && value ? " " : "", value ? value : "");
}

void argv_work_note(struct argv_work *w, enum argv_note_kind kind,
		    const struct argv_item *it, const char *fmt, ...)
{
	struct argv_plan *p = w->out;
	va_list ap;

	p->notes = xrealloc(p->notes, p->n_notes + 1, sizeof(*p->notes));
	va_start(ap, fmt);
	p->notes[p->n_notes++] = (struct argv_note){
		.kind = kind,
		.option = option_text(it),
		.text = xvasprintf(fmt, ap),
	};
	va_end(ap);
}

/* --- paths --------------------------------------------------------------- */

char *argv_work_absolute(struct argv_work *w, const char *path)
{
	AUTO_FREE char *full = argv_path_absolute(w->in->cwd, path);
	const struct argv_remap *used =
		argv_path_find_remap(w->in->remaps, w->in->n_remaps, full);

	if (used)
		w->out->remapped[used - w->in->remaps] = true;
	return argv_path_remap(w->in->remaps, w->in->n_remaps, full);
}

char *argv_work_path(struct argv_work *w, const char *path)
{
	AUTO_FREE char *full = argv_path_absolute(w->in->cwd, path);
	AUTO_FREE char *there = argv_work_absolute(w, path);
	AUTO_FREE char *cwd = NULL;
	AUTO_FREE char *along = NULL;

	if (*path == '/')
		return strcmp(full, there) ? STEAL(there) : xstrdup(path);
	/* STEAL() above returned: cppcheck takes its NULL for ours */
	/* cppcheck-suppress nullPointer */
	if (*there != '/')
		return STEAL(there);
	cwd = argv_work_absolute(w, w->in->cwd);
	along = argv_path_absolute(cwd, path);
	/* cppcheck-suppress nullPointer */
	if (strcmp(along, there) != 0)
		return STEAL(there);
	w->relative = true;
	return xstrdup(path);
}

static bool is_listed(const struct argv_plan *p, const char *path)
{
	for (size_t i = 0; i < p->n_files; i++) {
		if (!strcmp(p->files[i].path, path))
			return true;
	}
	return false;
}

static void list_file(struct argv_plan *p, char *path, char *source,
		      struct argv_use use)
{
	AUTO_FREE char *owned = path;
	AUTO_FREE char *owned_source = source;

	if (*owned != '/' || is_listed(p, owned))
		return;
	p->files = xrealloc(p->files, p->n_files + 1, sizeof(*p->files));
	p->files[p->n_files++] = (struct argv_file){
		.kind = use.kind,
		.path = STEAL(owned),
		.source = STEAL(owned_source),
		.writable = use.writable,
		.directory = use.directory,
		.node = use.node,
		.reopens = use.reopens,
	};
}

void argv_work_file(struct argv_work *w, const char *path, struct argv_use use)
{
	list_file(w->out, argv_work_absolute(w, path),
		  argv_path_absolute(w->in->cwd, path), use);
}

void argv_work_parent(struct argv_work *w, const char *path)
{
	char *there = argv_work_absolute(w, path);
	char *slash = strrchr(there, '/');

	if (slash)
		slash[slash == there] = '\0';
	list_file(w->out, there, NULL,
		  (struct argv_use){ .kind = ARGV_OTHER,
				     .writable = true,
				     .directory = true });
}

void argv_work_opt_path(struct argv_work *w, const struct argv_item *it,
			struct argv_opt *o, size_t i, struct argv_use use)
{
	AUTO_FREE char *there = NULL;

	if (!o->v[i].value || !*o->v[i].value)
		return;
	if (argv_work_path_is_fd(o->v[i].value)) {
		argv_work_refuse(w, it,
				 "it uses an inherited descriptor, "
				 "which ends with the source; name the file");
		return;
	}
	argv_work_file(w, o->v[i].value, use);
	there = argv_work_path(w, o->v[i].value);
	argv_opt_set_at(o, i, there);
}

void argv_work_opt_key(struct argv_work *w, const struct argv_item *it,
		       struct argv_opt *o, const char *key, struct argv_use use)
{
	for (size_t i = 0; i < o->n; i++) {
		if (!strcmp(argv_opt_key(o, i), key))
			argv_work_opt_path(w, it, o, i, use);
	}
}

/* --- what QEMU gets open -------------------------------------------------- */

static bool find_hand(struct argv_work *w, const char *path, size_t *i)
{
	AUTO_FREE char *there = argv_work_absolute(w, path);

	for (*i = 0; *i < w->in->n_hands; (*i)++) {
		if (!strcmp(w->in->hands[*i].path, there))
			return true;
	}
	return false;
}

bool argv_work_is_handed(struct argv_work *w, const char *path)
{
	size_t i;

	return find_hand(w, path, &i);
}

bool argv_work_is_device(struct argv_work *w, const char *path)
{
	size_t i;

	return find_hand(w, path, &i) && w->in->hands[i].block;
}

char *argv_work_hand(struct argv_work *w, const struct argv_item *it,
		     const char *path, const char *name)
{
	AUTO_FREE char *escaped = argv_opt_escape(name);
	size_t i;
	int fd;

	if (!find_hand(w, path, &i))
		return NULL;
	fd = ARGV_HAND_FD + (int)i;
	if (!w->handed[i]) {
		w->handed[i] = xstrdup(name);
		strv_push(&w->out->argv, "-add-fd");
		strv_pushf(&w->out->argv,
			   "fd=%d,set=%d,opaque=" ARGV_HAND_OPAQUE "%s", fd, fd,
			   escaped);
	} else if (strcmp(w->handed[i], name) != 0) {
		argv_work_refuse(w, it,
				 "only root may open %s, which has another "
				 "name elsewhere in the command line",
				 path);
		return NULL;
	}
	return xasprintf("/dev/fdset/%d", fd);
}

/* --- what QEMU binds ----------------------------------------------------- */

static const char *bind(struct argv_work *w, const char *path, char *name)
{
	AUTO_FREE char *owned = name;
	AUTO_FREE char *now = xasprintf("%s/%s", w->in->run_dir, owned);
	AUTO_FREE char *public = argv_work_absolute(w, path);
	struct argv_moves *m = &w->out->moves;

	argv_moves_add(m, now, public);
	return m->v[m->n - 1].now;
}

const char *argv_work_bind(struct argv_work *w, const char *path)
{
	const char *now = bind(w, path, xasprintf("s%u.sock", w->n_sockets++));

	if (strlen(now) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		w->too_long = true;
	return now;
}

const char *argv_work_bind_pidfile(struct argv_work *w, const char *path)
{
	return bind(w, path, xstrdup(ARGV_MOVE_PIDFILE));
}

const char *argv_work_bind_log(struct argv_work *w, const char *path)
{
	return bind(w, path, xstrdup(ARGV_MOVE_LOG));
}

/* --- descriptors --------------------------------------------------------- */

bool argv_work_path_is_fd(const char *path)
{
	return !strncmp(path, "/dev/fdset/", 11) ||
	       !strncmp(path, "/dev/fd/", 8) ||
	       !strncmp(path, "/proc/self/fd/", 14);
}

static bool names_fd(const struct argv_opt *o, size_t i)
{
	static const char *const keys[] = { "fd",	"fds",	   "vhostfd",
					    "vhostfds", "sock_fd", "sockfd" };
	const char *key = argv_opt_key(o, i);
	const char *dot = strrchr(key, '.');
	const char *last = dot ? dot + 1 : key;

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		if (!strcmp(last, keys[k]))
			return true;
	}
	return !strcmp(last, "type") && dot && o->v[i].value &&
	       !strcmp(o->v[i].value, "fd");
}

bool argv_work_has_fd(struct argv_work *w, const struct argv_item *it,
		      const struct argv_opt *o)
{
	for (size_t i = 0; i < o->n; i++) {
		if (!names_fd(o, i))
			continue;
		argv_work_refuse(w, it,
				 "%s= is a descriptor that the source "
				 "inherited and nobody can open again; start "
				 "the guest with a name or path instead",
				 argv_opt_key(o, i));
		return true;
	}
	return false;
}
