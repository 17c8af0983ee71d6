/* SPDX-License-Identifier: MIT */
/* recovery: what became of one unfinished run. */
#include "engine/recover/recovery.h"

#include "engine/event/exit_code.h"
#include "qmp/json.h"
#include "qmp/json_fields.h"

bool recovery_has_moved(const struct recovery *r)
{
	return r->result.error.kind == ERR_NONE &&
	       r->result.owner == OWNER_DESTINATION;
}

enum exit_code recovery_exit_code(const struct recovery *r)
{
	if (r->result.error.kind == ERR_BUSY)
		return EXIT_CODE_BUSY;
	if (r->verdict == VERDICT_HOLD || r->verdict == VERDICT_PERSON ||
	    r->result.error.kind != ERR_NONE)
		return EXIT_CODE_UNDECIDED;
	if (r->verdict == VERDICT_LOST)
		return EXIT_CODE_ENDED;
	if (r->result.leftovers.n)
		return r->result.owner == OWNER_DESTINATION
			       ? EXIT_CODE_DONE_LEFTOVERS
			       : EXIT_CODE_UNDONE_LEFTOVERS;
	return EXIT_CODE_DONE;
}

struct json_object *recovery_to_json(const struct recovery *r)
{
	struct json_object *o = json_new();

	json_fields_text(o, "run", r->result.run);
	json_fields_text(o, "guest", r->result.guest);
	json_fields_text(o, "outcome", verdict_name(r->verdict));
	o = json_add_i64(o, "exit_code", recovery_exit_code(r));
	json_fields_text(o, "owner", owner_name(r->result.owner));
	json_fields_count(o, "owner_pid", r->result.owner_pid);
	json_fields_text(o, "journal",
			 r->journal == JOURNAL_RECORDS
				 ? NULL
				 : journal_record_name(r->journal));
	json_fields_text(o, "source", side_state_name(r->source));
	json_fields_text(o, "destination", side_state_name(r->destination));
	json_fields_strv(o, "did", &r->did);
	json_fields_strv(o, "leftovers", &r->result.leftovers);
	return json_add_sub(o, "error", result_error_to_json(&r->result.error));
}

void recovery_free(struct recovery *r)
{
	strv_free(&r->did);
	result_free(&r->result);
}
