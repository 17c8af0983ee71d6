/* SPDX-License-Identifier: MIT */
/* vmferry: the engine as a library; a thin face over migrate.h. */
#include "engine/vmferry.h"

#include <stdlib.h>

#include "engine/run/migrate.h"
#include "qmp/json.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

struct vmferry {
	struct loop *loop;
};

enum { COPIED = 7 };

struct vmferry_job {
	struct migrate_options opt;
	char *copies[COPIED];
	void (*event)(void *arg, const char *json);
	void *arg;
	struct task *task;
	char *result;
	int exit_code;
};

struct vmferry *vmferry_new(void)
{
	struct vmferry *v = XNEW(struct vmferry);

	v->loop = loop_new(NULL);
	if (v->loop)
		return v;
	free(v);
	return NULL;
}

void vmferry_free(struct vmferry *v)
{
	if (!v)
		return;
	loop_free(v->loop);
	free(v);
}

int vmferry_fd(const struct vmferry *v)
{
	return loop_fd(v->loop);
}

int vmferry_timeout_ms(const struct vmferry *v)
{
	return loop_timeout_ms(v->loop);
}

void vmferry_dispatch(struct vmferry *v)
{
	loop_dispatch(v->loop);
}

static void emit(void *arg, const struct event *ev)
{
	struct vmferry_job *job = arg;
	AUTO_FREE char *line = NULL;

	if (!job->event)
		return;
	line = event_line(ev);
	job->event(job->arg, line);
}

static void run_job(void *arg)
{
	struct vmferry_job *job = arg;
	AUTO_JSON struct json_object *o = NULL;
	struct result result;

	result_init(&result);
	migrate_run(&job->opt, &result);
	o = result_to_json(&result);
	job->result = json_line(o);
	job->exit_code = result_exit_code(&result);
	result_free(&result);
}

static const char *keep(struct vmferry_job *job, int slot, const char *s)
{
	job->copies[slot] = xstrdup(s);
	return job->copies[slot];
}

static void take_options(struct vmferry_job *job,
			 const struct vmferry_options *o)
{
	struct migrate_options *m = &job->opt;

	migrate_options_init(m);
	m->guest = keep(job, 0, o->guest);
	m->destination = keep(job, 1, o->destination);
	m->ssh.identity = keep(job, 2, o->identity);
	m->ssh.known_hosts = keep(job, 3, o->known_hosts);
	m->ssh.ssh_config = keep(job, 4, o->ssh_config);
	m->qemu_binary = keep(job, 5, o->qemu_binary);
	m->guardian = keep(job, 6, o->guardian);
	if (o->use_openssh)
		m->ssh.backend = HOST_SSH_OPENSSH;
	if (o->max_blackout_ms > 0)
		m->max_blackout_ms = o->max_blackout_ms;
	m->deadline_s = o->deadline_s;
	m->bandwidth_bps = o->bandwidth_bps;
	m->paused = o->paused != 0;
	m->wait = o->wait != 0;
	m->on_deadline = o->force_at_deadline ? ON_DEADLINE_FORCE
					      : ON_DEADLINE_ABORT;
	m->sink = emit;
	m->sink_arg = job;
}

struct vmferry_job *vmferry_migrate(struct vmferry *v,
				    const struct vmferry_options *options)
{
	struct vmferry_job *job;

	if (options->size != sizeof(*options) || !options->guest ||
	    !options->destination)
		return NULL;
	job = XNEW(struct vmferry_job);
	job->exit_code = -1;
	job->event = options->event;
	job->arg = options->arg;
	take_options(job, options);
	job->task = task_start(v->loop, "migrate", run_job, job);
	return job;
}

void vmferry_job_cancel(struct vmferry_job *job)
{
	if (!task_ended(job->task))
		task_cancel(job->task);
}

const char *vmferry_job_result(const struct vmferry_job *job)
{
	return task_ended(job->task) ? job->result : NULL;
}

int vmferry_job_exit_code(const struct vmferry_job *job)
{
	return task_ended(job->task) ? job->exit_code : -1;
}

void vmferry_job_free(struct vmferry_job *job)
{
	if (!job)
		return;
	task_detach(job->task);
	for (int i = 0; i < COPIED; i++)
		free(job->copies[i]);
	free(job->result);
	free(job);
}
