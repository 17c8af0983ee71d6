/* SPDX-License-Identifier: MIT */
/*
 * verdict_dump: prints what the functions of verdict.h answer to every input,
 * as CSV, so that the model checks them and not a copy of them.
 */
#include "engine/state/verdict.h"

#include <stdio.h>

static const char *forced(const struct verdict_input *in, enum verdict_choice c)
{
	return verdict_name(verdict_force(in, c).verdict);
}

/* The text of a row of a table: which row it is. */
static const char *why(const struct verdict_input *in, enum verdict_choice c)
{
	return c == CHOICE_NONE ? verdict_decide(in).why
				: verdict_force(in, c).why;
}

static void print_row(const struct verdict_input *in)
{
	printf("%s,%s,%s,%d,%d,%d,%d,%s,%s,%s,%d,"
	       "\"%s\",\"%s\",\"%s\"\n",
	       journal_record_name(in->journal), side_state_name(in->source),
	       side_state_name(in->destination), in->disks_moved,
	       in->source_unwatched, in->source_ran, in->destination_ran,
	       verdict_name(verdict_decide(in).verdict),
	       forced(in, CHOICE_CONTINUE), forced(in, CHOICE_DISCARD),
	       verdict_ignores_destination(in), why(in, CHOICE_NONE),
	       why(in, CHOICE_CONTINUE), why(in, CHOICE_DISCARD));
}

static void print_flags(struct verdict_input in)
{
	for (int flags = 0; flags < 16; flags++) {
		in.disks_moved = flags & 1;
		in.source_unwatched = flags & 2;
		in.source_ran = flags & 4;
		in.destination_ran = flags & 8;
		print_row(&in);
	}
}

int main(void)
{
	puts("journal,source,destination,disks_moved,source_unwatched,"
	     "source_ran,destination_ran,"
	     "verdict,continue,discard,ignores_destination,"
	     "why,why_continue,why_discard");
	/* notes come behind all others, and are no input */
	for (int j = 0; j < JOURNAL_WISH; j++)
		for (int s = 0; s < SIDE_STATES; s++)
			for (int d = 0; d < SIDE_STATES; d++)
				print_flags((struct verdict_input){
					.journal = (enum journal_record)j,
					.source = (enum side_state)s,
					.destination = (enum side_state)d,
				});
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
