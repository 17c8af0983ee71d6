/* SPDX-License-Identifier: MIT */
/*
 * verdict_dump: prints what verdict_decide() answers to every input, as CSV,
 * so that the model checks the function itself and not a copy of it.
 */
#include "engine/verdict.h"

#include <stdio.h>

static void print_row(const struct verdict_input *in)
{
	printf("%s,%s,%s,%d,%d,%d,%d,%s\n", journal_record_name(in->journal),
	       side_state_name(in->source), side_state_name(in->destination),
	       in->was_running, in->disks_moved, in->disks_synced,
	       in->source_unwatched, verdict_name(verdict_decide(in).verdict));
}

static void print_flags(struct verdict_input in)
{
	for (int flags = 0; flags < 16; flags++) {
		in.was_running = flags & 1;
		in.disks_moved = flags & 2;
		in.disks_synced = flags & 4;
		in.source_unwatched = flags & 8;
		print_row(&in);
	}
}

int main(void)
{
	puts("journal,source,destination,was_running,disks_moved,disks_synced,"
	     "source_unwatched,verdict");
	for (int j = 0; j < JOURNAL_RECORDS; j++)
		for (int s = 0; s < SIDE_STATES; s++)
			for (int d = 0; d < SIDE_STATES; d++)
				print_flags((struct verdict_input){
					.journal = (enum journal_record)j,
					.source = (enum side_state)s,
					.destination = (enum side_state)d,
				});
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
