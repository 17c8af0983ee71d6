/* SPDX-License-Identifier: MIT */
/* identity: which process, of which machine. */
#include "engine/hosts/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

/* --- reading ------------------------------------------------------------- */

char *identity_script(const char *token_file)
{
	struct buf b = { 0 };

	quote_assign(&b, "token_file", token_file ? token_file : "");
	buf_printf(&b, "%s", identity_sh);
	return buf_steal(&b);
}

static void take_word(char out[IDENTITY_WORD], const char *text,
		      const char *key)
{
	AUTO_FREE char *value = answer_value(text, key);

	/* cut short it would be the beginning of several */
	if (value && strlen(value) < IDENTITY_WORD)
		strcpy(out, value);
}

/* An image has "uninitialized" or nothing in /etc/machine-id. */
static void take_id(char out[IDENTITY_WORD], const char *text, const char *key)
{
	take_word(out, text, key);
	if (strlen(out) != 32 || strspn(out, "0123456789abcdef") != 32)
		*out = '\0';
}

void identity_space_read(const char *text, struct identity_space *out)
{
	AUTO_FREE char *namespace = answer_value(text, "pid_namespace");
	unsigned long long inode;

	*out = (struct identity_space){ .boot = "" };
	take_word(out->host, text, "hostname");
	take_id(out->machine, text, "machine_id");
	take_id(out->own, text, "own_id");
	take_id(out->token, text, "token");
	take_word(out->boot, text, "boot_id");
	if (namespace && sscanf(namespace, "pid:[%llu]", &inode) == 1)
		out->pid_namespace = inode;
}

/* --- comparing ----------------------------------------------------------- */

const char *identity_machine(const struct identity_space *s)
{
	return *s->machine ? s->machine : s->own;
}

static bool is_same(const char *a, const char *b)
{
	return *a && !strcmp(a, b);
}

bool identity_has_id(const struct identity_space *now, const char *id)
{
	return is_same(id, now->machine) || is_same(id, now->own);
}

bool identity_same_machine(const struct identity_space *recorded,
			   const struct identity_space *now)
{
	return identity_has_id(now, recorded->machine);
}

bool identity_other_machine(const struct identity_space *recorded,
			    const struct identity_space *now)
{
	return *recorded->machine && *identity_machine(now) &&
	       !identity_same_machine(recorded, now);
}

bool identity_same_pids(const struct identity_space *a,
			const struct identity_space *b)
{
	return is_same(a->boot, b->boot) && a->pid_namespace &&
	       a->pid_namespace == b->pid_namespace;
}

static enum identity_match compare_ids(const struct identity_space *recorded,
				       const struct identity_space *now)
{
	/* a boot id is as good as any other while it lasts */
	bool machine = !*recorded->machine ||
		       identity_same_machine(recorded, now);

	if (machine && identity_same_pids(recorded, now))
		return IDENTITY_SAME;
	if (!machine || !*recorded->machine || recorded->id_is_shared ||
	    !*recorded->boot || !*now->boot ||
	    is_same(recorded->boot, now->boot) ||
	    (*recorded->host && strcmp(recorded->host, now->host) != 0))
		return IDENTITY_ELSEWHERE;
	return IDENTITY_REBOOTED;
}

static bool token_agrees(const struct identity_space *recorded,
			 const struct identity_space *now,
			 enum identity_match ids)
{
	if (!*recorded->token)
		return true;
	if (!*now->token)
		return recorded->token_may_go || ids == IDENTITY_REBOOTED;
	return is_same(recorded->token, now->token);
}

enum identity_match identity_compare(const struct identity_space *recorded,
				     const struct identity_space *now)
{
	enum identity_match ids = compare_ids(recorded, now);

	return token_agrees(recorded, now, ids) ? ids : IDENTITY_ELSEWHERE;
}

int identity_check_token(const struct identity *recorded,
			 const struct identity_space *now, const char *host,
			 struct err *err)
{
	enum identity_match ids = compare_ids(&recorded->space, now);
	const char *file = recorded->token_file;
	AUTO_FREE char *word = NULL;

	if (ids == IDENTITY_ELSEWHERE ||
	    token_agrees(&recorded->space, now, ids))
		return 0;
	if (*now->token) {
		err_set(err, ERR_FAILED,
			"%s has another token in %s than the run left there: "
			"it is a copy of that machine, and what it says does "
			"not count",
			host, file);
		return err_hint(err, "see which machine answers as %s", host);
	}
	word = quote_text(file);
	err_set(err, ERR_FAILED,
		"%s lacks the token of the run in %s: it may be a copy of that "
		"machine, and what it says does not count",
		host, file);
	return err_hint(err,
			"if it is the machine where the run was begun, put the "
			"token back there: echo %s >%s",
			recorded->space.token, word);
}

bool identity_ids_suffice(const struct identity_space *a,
			  const struct identity_space *b)
{
	return *a->machine && *b->machine &&
	       (strcmp(a->machine, b->machine) != 0 ||
		identity_same_pids(a, b));
}
