/* SPDX-License-Identifier: MIT */
/* argv_plan: the result of a rebuild. */
#include <stdlib.h>

#include "engine/argv/argv.h"

static void nets_free(struct argv_plan *p)
{
	for (size_t i = 0; i < p->n_nets; i++) {
		free(p->nets[i].option);
		free(p->nets[i].bridge);
		free(p->nets[i].ifname);
		free(p->nets[i].script);
	}
	free(p->nets);
}

void argv_plan_free(struct argv_plan *p)
{
	strv_free(&p->argv);
	argv_moves_free(&p->moves);
	free(p->monitor0);
	free(p->monitor1);
	free(p->cwd);
	for (size_t i = 0; i < p->n_files; i++) {
		free(p->files[i].path);
		free(p->files[i].source);
	}
	free(p->files);
	nets_free(p);
	for (size_t i = 0; i < p->n_notes; i++) {
		free(p->notes[i].option);
		free(p->notes[i].text);
	}
	free(p->notes);
	free(p->remapped);
	*p = (struct argv_plan){ .cwd = NULL };
}
