/* SPDX-License-Identifier: MIT */
/* run_token: the random token that a run leaves on both hosts. */
#include "engine/run/run_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/state/state_dir.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

static char *file_of(const struct run *r, enum journal_side side)
{
	const struct run_side *s = side == JOURNAL_SOURCE ? &r->src : &r->dst;

	/* a rehearsal goes nowhere */
	return s->facts.run_root
		       ? state_dir_token(s->facts.run_root, r->id.name,
					 journal_side_name(side))
		       : NULL;
}

void run_token_place(struct run *r)
{
	free(r->source.token_file);
	r->source.token_file = file_of(r, JOURNAL_SOURCE);
	free(r->dest.token_file);
	r->dest.token_file = file_of(r, JOURNAL_DESTINATION);
}

static void expect(struct identity_space *s, struct host_facts *now,
		   const char *token)
{
	strcpy(s->token, token);
	s->token_may_go = false;
	strcpy(now->space.token, token);
}

/* --- on this host --------------------------------------------------------- */

static int write_token(const struct run *r, struct err *err)
{
	const char *path = r->source.token_file;
	AUTO_FREE char *line = xasprintf("%s\n", r->id.token);
	size_t len = strlen(line);
	AUTO_FD int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		     0600);

	if (fd >= 0 && write(fd, line, len) == (ssize_t)len)
		return 0;
	return err_sys(err, errno, "cannot write %s", path);
}

int run_token_leave(struct run *r, struct err *err)
{
	const char *root = r->src.facts.run_root;
	AUTO_FREE char *dir = state_dir_tokens(root);

	if (state_dir_make_in_root(root, dir, err) < 0 ||
	    write_token(r, err) < 0)
		return -1;
	expect(&r->source.space, &r->src.facts, r->id.token);
	return 0;
}

void run_token_remove(struct run *r)
{
	if (!r->source.token_file)
		return;
	(void)unlink(r->source.token_file);
	*r->source.space.token = '\0';
}

/* --- on the destination --------------------------------------------------- */

void run_token_assign(struct buf *script, const struct run *r)
{
	quote_assign(script, "token", r->id.token);
	quote_assign(script, "token_file", r->dest.token_file);
}

void run_token_expect(struct run *r)
{
	expect(&r->dest.space, &r->dst.facts, r->id.token);
}

void run_token_drop(struct run *r)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf out = { 0 };
	AUTO_ERR struct err e = { 0 };

	if (!r->dest.token_left || !r->dst.host)
		return;
	quote_assign(&script, "token_file", r->dest.token_file);
	buf_printf(&script, "rm -f -- \"$token_file\"\n");
	if (probe_script(r->dst.host, "token", buf_data(&script), &out,
			 mono_in_ms(RUN_QMP_MS), &e) == 0)
		r->dest.token_left = false;
	else
		log_info(NULL, "the token of %s stays on %s: %s", r->id.name,
			 r->opt->destination, e.message);
}

void run_token_follow(struct run *r, enum journal_record record)
{
	if (journal_record_is_note(record))
		return;
	r->source.space.token_may_go = record == JOURNAL_ABORTING ||
				       record == JOURNAL_DESTRUN ||
				       journal_record_is_final(record);
	/* another try leaves it there anew, later than PREP */
	r->dest.space.token_may_go |= r->source.space.token_may_go;
}

bool run_token_may_go(const struct run *r)
{
	return r->dest.token_left && r->dest.space.token_may_go;
}

void run_token_assign_gone(struct buf *script, const struct run *r)
{
	quote_assign(script, "token_file",
		     run_token_may_go(r) ? r->dest.token_file : "");
}
