/* SPDX-License-Identifier: MIT */
/* guest: a QEMU process as found on a host. */
#include "engine/guest/guest.h"

#include <stdlib.h>

static void monitors_free(struct guest *g)
{
	for (size_t i = 0; i < g->n_monitors; i++) {
		free(g->monitors[i].path);
		free(g->monitors[i].tcp);
	}
	free(g->monitors);
}

void guest_free(struct guest *g)
{
	free(g->exe);
	strv_free(&g->argv);
	free(g->cwd);
	free(g->name);
	free(g->uuid);
	free(g->user);
	free(g->group);
	strv_free(&g->groups);
	strv_free(&g->limits);
	free(g->cgroup);
	free(g->unit);
	free(g->started_by);
	free(g->manager);
	free(g->run_dir);
	free(g->run_key);
	free(g->label);
	argv_moves_free(&g->moves);
	monitors_free(g);
	*g = (struct guest){ .pid = 0 };
}

struct guest_id guest_id(const struct guest *g)
{
	return (struct guest_id){
		.uid = g->uid,
		.user = g->user,
		.name = g->name,
		.uuid = g->uuid,
	};
}

const char *guest_label(const struct guest *g)
{
	return g->name ? g->name : g->label;
}

const struct monitor *guest_qmp(const struct guest *g)
{
	for (size_t i = 0; i < g->n_monitors; i++) {
		const struct monitor *m = &g->monitors[i];

		if (m->kind == MONITOR_QMP && m->path)
			return m;
	}
	return NULL;
}

void guests_free(struct guests *list)
{
	for (size_t i = 0; i < list->n; i++)
		guest_free(&list->v[i]);
	free(list->v);
	*list = (struct guests){ .v = NULL };
}
