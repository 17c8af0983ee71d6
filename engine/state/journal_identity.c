/* SPDX-License-Identifier: MIT */
/* journal_identity: the two sides of a run, as a journal identifies them. */
#include "engine/state/journal_identity.h"

#include <string.h>
#include <unistd.h>

#include "qmp/json.h"

static const struct {
	const char *side;
	const char *host, *machine, *boot, *namespace, *pid, *ticks, *token;
} members[] = {
	[JOURNAL_SOURCE] = { "source", "source", "source_machine",
			     "source_boot", "source_pid_namespace",
			     "source_pid", "source_ticks", "source_token" },
	[JOURNAL_DESTINATION] = { "destination", "destination_host",
				  "destination_machine", "destination_boot",
				  "destination_pid_namespace",
				  "destination_pid", "destination_ticks",
				  "destination_token" },
};

const char *journal_side_name(enum journal_side side)
{
	return members[side].side;
}

struct json_object *journal_identity_put(struct json_object *o,
					 enum journal_side side,
					 const struct identity_space *s,
					 const char *token_file)
{
	if (token_file)
		o = json_add_str(o, members[side].token, token_file);
	o = json_add_str(o, members[side].host, s->host);
	o = json_add_str(o, members[side].machine, s->machine);
	o = json_add_str(o, members[side].boot, s->boot);
	return json_add_u64(o, members[side].namespace, s->pid_namespace);
}

static const char *text_or_null(const struct journal_view *v,
				const char *member)
{
	struct json_object *o = journal_value(v, member);

	return json_object_is_type(o, json_type_string)
		       ? json_object_get_string(o)
		       : NULL;
}

/* One that is too long is none of ours. */
static void take_word(const struct journal_view *v, const char *member,
		      char out[IDENTITY_WORD])
{
	const char *text = text_or_null(v, member);

	if (text && strlen(text) < IDENTITY_WORD)
		strcpy(out, text);
}

static uint64_t number(const struct journal_view *v, const char *member,
		       uint64_t otherwise)
{
	struct json_object *o = journal_value(v, member);

	return json_object_is_type(o, json_type_int) ? json_object_get_uint64(o)
						     : otherwise;
}

/* Not on disk yet, or removed as the last record has announced. */
static bool token_may_go(const struct journal_view *v, enum journal_side side,
			 const struct identity *id)
{
	enum journal_record last = journal_state(v);

	return last == JOURNAL_ABORTING || last == JOURNAL_DESTRUN ||
	       journal_record_is_final(last) ||
	       (side == JOURNAL_SOURCE ? last == JOURNAL_BEGIN : id->pid <= 0);
}

static struct identity read_side(const struct journal_view *v,
				 enum journal_side side)
{
	struct identity id = {
		.space.pid_namespace = number(v, members[side].namespace,
					      IDENTITY_FIRST_NAMESPACE),
		.pid = (pid_t)number(v, members[side].pid, 0),
		.start_ticks = number(v, members[side].ticks, 0),
	};

	take_word(v, members[side].host, id.space.host);
	take_word(v, members[side].machine, id.space.machine);
	take_word(v, members[side].boot, id.space.boot);
	id.token_file = text_or_null(v, members[side].token);
	if (id.token_file)
		take_word(v, "token", id.space.token);
	id.space.token_may_go = token_may_go(v, side, &id);
	return id;
}

struct identity journal_identity(const struct journal_view *v,
				 enum journal_side side)
{
	struct identity id = read_side(v, side);
	struct identity other = read_side(v, side == JOURNAL_SOURCE
						     ? JOURNAL_DESTINATION
						     : JOURNAL_SOURCE);

	/* a rehearsal goes to no other machine */
	id.space.id_is_shared = *other.space.machine &&
				!identity_ids_suffice(&id.space, &other.space);
	return id;
}

struct guest_id journal_guest(const struct journal_view *v)
{
	struct json_object *uid = journal_value(v, "uid");

	return (struct guest_id){
		.uid = json_object_is_type(uid, json_type_int)
			       ? (uid_t)json_object_get_uint64(uid)
			       : geteuid(),
		.user = text_or_null(v, "user"),
		.name = text_or_null(v, "guest"),
		.uuid = text_or_null(v, "uuid"),
	};
}
