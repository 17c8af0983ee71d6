/* SPDX-License-Identifier: MIT */
/*
 * argv_work: what the handlers of argv_table.c share while a command line is
 * rebuilt: where the result goes, and how paths and sockets are translated.
 */
#ifndef ENGINE_ARGV_ARGV_WORK_H
#define ENGINE_ARGV_ARGV_WORK_H

#include "engine/argv/argv.h"
#include "engine/argv/argv_item.h"
#include "engine/argv/argv_opt.h"

struct argv_work {
	const struct argv_input *in;
	struct argv_plan *out;
	const struct argv_items *items;	 /* the public command line */
	unsigned int n_sockets, n_files; /* names given in the run directory */
	bool relative; /* a path was left relative: QEMU needs the cwd */
	bool too_long; /* a socket path past sun_path */
	char *handed[ARGV_HANDS_MAX]; /* names of the hands */
};

/* Appends @it unchanged, or with another value. */
void argv_work_keep(struct argv_work *w, const struct argv_item *it);
void argv_work_emit(struct argv_work *w, const struct argv_item *it,
		    const char *value);
void argv_work_emit_opt(struct argv_work *w, const struct argv_item *it,
			const struct argv_opt *o);

/* @it may be NULL: the note is about the whole command line. */
void argv_work_note(struct argv_work *w, enum argv_note_kind kind,
		    const struct argv_item *it, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#define argv_work_refuse(w, it, ...) \
	argv_work_note(w, ARGV_REFUSED, it, __VA_ARGS__)
#define argv_work_warn(w, it, ...) \
	argv_work_note(w, ARGV_WARNING, it, __VA_ARGS__)
#define argv_work_changed(w, it, ...) \
	argv_work_note(w, ARGV_CHANGED, it, __VA_ARGS__)

/*
 * @path as it has to be in the destination's command line: remapped, and
 * left relative where the working directory moves along with it. To be freed.
 */
char *argv_work_path(struct argv_work *w, const char *path);
/* The same place as an absolute path; relative if there is no cwd. */
char *argv_work_absolute(struct argv_work *w, const char *path);

/* Lists the file behind @path (as on the source), once. */
struct argv_use {
	enum argv_file_kind kind;
	bool writable;
	bool directory;
	bool node, reopens; /* argv_file */
};
void argv_work_file(struct argv_work *w, const char *path, struct argv_use use);
/* Lists the directory that @path will be made in. */
void argv_work_parent(struct argv_work *w, const char *path);

/* Translates entry @i of @o, a path, and lists the file. */
void argv_work_opt_path(struct argv_work *w, const struct argv_item *it,
			struct argv_opt *o, size_t i, struct argv_use use);
/* The same for every entry of that key. */
void argv_work_opt_key(struct argv_work *w, const struct argv_item *it,
		       struct argv_opt *o, const char *key,
		       struct argv_use use);

/* Whether QEMU is to get the file @path, as on the source, open. */
bool argv_work_is_handed(struct argv_work *w, const char *path);
/*
 * Then: the path that QEMU opens instead, to be freed. @name is what @it would
 * say otherwise. NULL: it is refused.
 */
char *argv_work_hand(struct argv_work *w, const struct argv_item *it,
		     const char *path, const char *name);
/* Whether that file is a block device. */
bool argv_work_is_device(struct argv_work *w, const char *path);

/*
 * A name in the run directory for what the source has at @path; the move is
 * recorded. Borrowed from the plan.
 */
const char *argv_work_bind(struct argv_work *w, const char *path);
/* The same for the pid file. */
const char *argv_work_bind_pidfile(struct argv_work *w, const char *path);
/* The same for the log. */
const char *argv_work_bind_log(struct argv_work *w, const char *path);

/*
 * Refuses @it when it uses inherited descriptors (fd=, /dev/fdset/…) and says
 * whether it did.
 */
bool argv_work_has_fd(struct argv_work *w, const struct argv_item *it,
		      const struct argv_opt *o);
bool argv_work_path_is_fd(const char *path);

#endif
