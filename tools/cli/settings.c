/* SPDX-License-Identifier: MIT */
/* settings: what the user asked for, whichever way it was said. */
#include "tools/cli/settings.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/run/migrate_options.h"

void settings_init(struct settings *s)
{
	*s = (struct settings){
		.color = COLOR_AUTO,
		.ssh = HOST_SSH_AUTO,
		.max_blackout_ms = 300,
		.parallel = 2,
		.watch_source_s = 30,
		.on_deadline = ON_DEADLINE_ABORT,
	};
}

void settings_free(struct settings *s)
{
	free(s->events);
	free(s->state_dir);
	free(s->identity);
	free(s->known_hosts);
	free(s->ssh_config);
	strv_free(&s->remaps);
	free(s->dest_args);
	free(s->qemu_binary);
	strv_free(&s->skip_checks);
	free(s->policy);
	free(s->completion);
	*s = (struct settings){ 0 };
}

bool settings_given(const struct settings *s, size_t n_given, size_t offset)
{
	for (size_t i = 0; i < n_given; i++) {
		if (s->given[i] == offset)
			return true;
	}
	return false;
}

void settings_note(struct settings *s, size_t offset)
{
	if (settings_given(s, s->n_given, offset))
		return;
	assert(s->n_given < SETTINGS_MAX_GIVEN);
	s->given[s->n_given++] = offset;
}
