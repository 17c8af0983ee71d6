/* SPDX-License-Identifier: MIT */
/* hand_over: files that root opens for a guest. */
#include "engine/hosts/hand_over.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/admit.h"
#include "engine/hosts/probe.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

extern const char hand_over_held_sh[], probe_files_sh[];

/* --- answers -------------------------------------------------------------- */

static void file_free(struct hand_file *f)
{
	free(f->device);
}

void hand_held_free(struct hand_held *h)
{
	file_free(&h->file);
	free(h->id);
	*h = (struct hand_held){ .id = NULL };
}

void hand_found_free(struct hand_found *f)
{
	file_free(&f->file);
	free(f->id);
	*f = (struct hand_found){ .id = NULL };
}

/* "f INODE SIZE BORN MAGIC", "b SECTORS ID", or "-" for any other. */
static void parse_file(const char *text, struct hand_file *f)
{
	enum { FUSE_MAGIC = 0x65735546 };
	char born[24], device[300];
	uint64_t magic;

	*f = (struct hand_file){ .type = '-' };
	if (sscanf(text, "f %" SCNu64 " %" SCNu64 " %23s %" SCNx64, &f->inode,
		   &f->size, born, &magic) == 4) {
		f->type = 'f';
		f->born = strtoull(born, NULL, 10);
		f->fuse = magic == FUSE_MAGIC;
	} else if (sscanf(text, "b %" SCNu64 " %299s", &f->size, device) == 2) {
		f->type = 'b';
		if (strcmp(device, "-") != 0)
			f->device = xstrdup(device);
	}
}

/* "OPEN ACCESS ID FILE" */
static void parse_held(const char *line, struct hand_held *h)
{
	char mode[3], access[3], id[100];
	int at = 0;

	*h = (struct hand_held){ .file.type = '-' };
	if (sscanf(line, "%2s %2s %99s %n", mode, access, id, &at) < 3 || !at)
		return;
	h->reads = mode[0] == 'r';
	h->writes = mode[1] == 'w';
	h->access_known = access[0] != '?';
	h->may_read = access[0] == 'r';
	h->may_write = access[1] == 'w';
	h->id = xstrdup(id);
	parse_file(line + at, &h->file);
}

/* "y ACCESS ID FILE", or "- -- - FILE" where the name is not root's alone. */
static void parse_found(const char *line, struct hand_found *f)
{
	char guarded[2], access[3], id[100];
	int at = 0;

	*f = (struct hand_found){ .file.type = '-' };
	if (sscanf(line, "%1s %2s %99s %n", guarded, access, id, &at) < 3 ||
	    !at)
		return;
	parse_file(line + at, &f->file);
	if (guarded[0] != 'y')
		return;
	f->guarded = true;
	f->may_read = access[0] == 'r';
	f->may_write = access[1] == 'w';
	f->id = xstrdup(id);
}

/* --- questions ------------------------------------------------------------ */

typedef void take_line(void *out, size_t i, const char *line);

static void take_held(void *out, size_t i, const char *line)
{
	parse_held(line, (struct hand_held *)out + i);
}

static void take_found(void *out, size_t i, const char *line)
{
	parse_found(line, (struct hand_found *)out + i);
}

/* Runs @script, and @question for each path behind it: one line each. */
static int ask(struct host *h, struct buf *script, const char *question,
	       const struct strv *paths, take_line *take, void *out,
	       struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf text = { 0 };
	char *next, *line;

	for (size_t i = 0; i < paths->n; i++) {
		buf_printf(script, "%s ", question);
		quote_word(script, paths->v[i]);
		buf_printf(script, "\n");
	}
	buf_printf(script, "exit 0\n");
	if (probe_script(h, "hand-over", buf_data(script), &text, deadline,
			 err) < 0)
		return -1;
	next = buf_data(&text);
	for (size_t i = 0; i < paths->n; i++) {
		line = strsep(&next, "\n");
		if (!line || !next)
			return err_set(err, ERR_REMOTE,
				       "the hand-over script on %s answered "
				       "too little",
				       host_name(h));
		take(out, i, line);
	}
	return 0;
}

int hand_over_ask_held(struct host *h, const struct hand_holder *holder,
		       const struct strv *paths, struct hand_held *out,
		       struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };

	as_user_assign(&script, holder->user);
	buf_printf(&script, "pid=%d ticks=%" PRIu64 " uid=%u\n",
		   (int)holder->pid, holder->ticks, (unsigned)holder->uid);
	buf_printf(&script, "%s%s%s%s", admit_sh, probe_files_sh, file_mark_sh,
		   hand_over_held_sh);
	return ask(h, &script, "held", paths, take_held, out, deadline, err);
}

int hand_over_ask_found(struct host *h, const struct strv *paths,
			struct hand_found *out, struct mono deadline,
			struct err *err)
{
	AUTO_BUF struct buf script = { 0 };

	buf_printf(&script, "%s%s", file_mark_sh, hand_over_sh);
	return ask(h, &script, "may_hand", paths, take_found, out, deadline,
		   err);
}

/* --- the verdict ---------------------------------------------------------- */

static const char *not_same(const struct hand_file *a,
			    const struct hand_file *b)
{
	static const char another[] =
		"it is another file than the source has open";

	if (a->type != b->type || a->size != b->size)
		return another;
	if (a->type == 'b') {
		if (!a->device || !b->device)
			return "it is a block device without an identifier by "
			       "which it could be told from another";
		return strcmp(a->device, b->device) != 0 ? another : NULL;
	}
	if (a->fuse || b->fuse)
		return "it is on FUSE, where inode numbers prove nothing";
	if (a->inode != b->inode || (a->born && b->born && a->born != b->born))
		return another;
	return NULL;
}

const char *hand_over_refusal(const struct hand_held *here,
			      const struct hand_found *there, bool writable,
			      bool one_host)
{
	if (!here->reads)
		return "the source's QEMU does not have it open";
	if (writable && !here->writes)
		return "the source's QEMU has it open for reading only";
	if (here->file.type == '-' || there->file.type == '-')
		return "it is neither a regular file nor a block device";
	if (!there->guarded)
		return "others than root can change where its name leads";
	if (!there->may_read || (writable && !there->may_write))
		return "root may not open it there, either";
	if (one_host)
		return strcmp(here->id, there->id) != 0
			       ? "it is another file than the source has open"
			       : NULL;
	return not_same(&here->file, &there->file);
}
