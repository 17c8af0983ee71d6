/* SPDX-License-Identifier: MIT */
/* vmferry_options: the options of the library as those of a migration. */
#include "engine/vmferry_options.h"

#include <stdlib.h>

#include "transport/base/xalloc.h"

int vmferry_options_take(const struct vmferry_options *o,
			 struct vmferry_taken *out)
{
	struct migrate_options *m = &out->opt;
	const struct {
		const char *given;
		const char **to;
	} texts[VMFERRY_OPTIONS_TEXTS] = {
		{ o->guest, &m->guest },
		{ o->destination, &m->destination },
		{ o->identity, &m->ssh.identity },
		{ o->known_hosts, &m->ssh.known_hosts },
		{ o->ssh_config, &m->ssh.ssh_config },
		{ o->qemu_binary, &m->qemu_binary },
		{ o->guardian, &m->guardian },
		{ o->program, &out->program },
	};

	if (o->size != sizeof(*o) || !o->guest || !o->destination ||
	    !o->program)
		return -1;
	*out = (struct vmferry_taken){ .text = { NULL } };
	migrate_options_init(m);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i].to = out->text[i] = xstrdup(texts[i].given);
	if (o->use_openssh)
		m->ssh.backend = HOST_SSH_OPENSSH;
	if (o->become_sudo)
		m->ssh.become = HOST_BECOME_SUDO;
	if (o->max_blackout_ms > 0)
		m->max_blackout_ms = o->max_blackout_ms;
	m->deadline_s = o->deadline_s;
	m->bandwidth_bps = o->bandwidth_bps;
	m->paused = o->paused;
	m->wait = o->wait;
	m->on_deadline = o->force_at_deadline ? ON_DEADLINE_FORCE
					      : ON_DEADLINE_ABORT;
	return 0;
}

void vmferry_options_free(struct vmferry_taken *t)
{
	for (int i = 0; i < VMFERRY_OPTIONS_TEXTS; i++)
		free(t->text[i]);
}
