/* SPDX-License-Identifier: MIT */
/* vmferry: the engine as a library; a thin face over migrate.h. */
#include "engine/vmferry.h"

#include <stdlib.h>

#include "engine/run/migrate.h"
#include "engine/vmferry_options.h"
#include "qmp/json.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint_child.h"

struct vmferry {
	struct loop *loop;
};

struct vmferry_job {
	struct vmferry_taken taken;
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
	migrate_run(&job->taken.opt, &result);
	o = result_to_json(&result);
	job->result = json_line(o);
	job->exit_code = result_exit_code(&result);
	result_free(&result);
}

struct vmferry_job *vmferry_migrate(struct vmferry *v,
				    const struct vmferry_options *options)
{
	struct vmferry_taken taken;
	struct vmferry_job *job;

	if (vmferry_options_take(options, &taken) < 0)
		return NULL;
	endpoint_child_program(taken.program);
	job = XNEW(struct vmferry_job);
	job->taken = taken;
	job->taken.opt.sink = emit;
	job->taken.opt.sink_arg = job;
	job->event = options->event;
	job->arg = options->arg;
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
	vmferry_options_free(&job->taken);
	free(job->result);
	free(job);
}
