/* SPDX-License-Identifier: MIT */
/* cpu_trial: what CPU a guest would have on the destination. */
#include "engine/run/cpu_trial.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char cpu_trial_sh[];

/* Of each kind; more explains nothing more. */
enum { LINES_MAX = 16 };

/* The vCPU that cpu_trial.sh asks. */
static const char first_cpu[] = "/machine/unattached/device[0]";

static bool is_option(const char *word, const char *name)
{
	return word[0] == '-' && !strcmp(word + 1 + (word[1] == '-'), name);
}

/*
 * "split" of "-machine q35,kernel_irqchip=split" or "-accel
 * kvm,kernel-irqchip=split", to be freed, or NULL; a feature depends on it.
 */
static char *irqchip_of(const struct strv *argv)
{
	static const char key[] = "irqchip=";

	for (size_t i = 1; i + 1 < argv->n; i++) {
		const char *at = NULL;

		if (is_option(argv->v[i], "machine") ||
		    is_option(argv->v[i], "M") ||
		    is_option(argv->v[i], "accel"))
			at = strstr(argv->v[i + 1], key);
		if (at)
			return xstrndup(at + strlen(key),
					strcspn(at + strlen(key), ","));
	}
	return NULL;
}

void cpu_trial_words(const struct strv *argv, const char *machine, bool kvm,
		     struct strv *out)
{
	static const char *const fixed[] = {
		"-S", "-nodefaults", "-no-user-config", "-display", "none",
		"-m", "16M",
	};
	AUTO_FREE char *irqchip = irqchip_of(argv);

	strv_push(out, argv->v[0]);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(out, fixed[i]);
	strv_push(out, "-machine");
	strv_push(out, machine);
	strv_push(out, "-accel");
	if (kvm && irqchip)
		strv_pushf(out, "kvm,kernel-irqchip=%s", irqchip);
	else
		strv_push(out, kvm ? "kvm" : "tcg");
	for (size_t i = 1; i + 1 < argv->n; i++) {
		if (!is_option(argv->v[i], "cpu") &&
		    !is_option(argv->v[i], "smp"))
			continue;
		strv_push(out, argv->v[i]);
		strv_push(out, argv->v[++i]);
	}
}

int cpu_trial_ask(struct host *h, const struct as_user *user,
		  const struct strv *words, struct cpu_trial *out,
		  struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	*out = (struct cpu_trial){ .errors = { .v = NULL } };
	as_user_assign(&script, user);
	buf_printf(&script, "set --");
	for (size_t i = 0; i < words->n; i++) {
		buf_printf(&script, " ");
		quote_word(&script, words->v[i]);
	}
	buf_printf(&script, "\n%s%s", as_user_sh, cpu_trial_sh);
	if (probe_script(h, "CPU trial", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	cpu_trial_read(buf_data(&text), out);
	return 0;
}

/* Whether it is the vCPU that was asked of. */
static bool is_first(struct json_at cpus)
{
	struct json_at first;
	const char *path;

	return json_length(cpus) && json_index(cpus, 0, &first, NULL) == 0 &&
	       json_get_str(first, "qom-path", &path, NULL) == 0 &&
	       !strcmp(path, first_cpu);
}

struct reading {
	struct cpu_trial *out;
	bool first;
};

/* An error comes last, behind any number of warnings. */
static void take_line(struct reading *r, const char *line)
{
	static const char warning[] = "warning: ", feature[] = "feature: ";
	struct cpu_trial *t = r->out;
	const char *said = strstr(line, warning);
	struct strv *list = &t->errors;

	if (said) {
		const char *name = strstr(said, feature);

		list = name ? &t->features : &t->warnings;
		said = name ? name + strlen(feature) : said + strlen(warning);
	}
	if (list->n < LINES_MAX)
		strv_take(list, answer_safe_value(said ? said : line));
}

static void take_answer(struct reading *r, const char *id,
			struct json_object *value)
{
	struct qmp_cpu *c = &r->out->cpu;
	const char *text = json_object_is_type(value, json_type_string)
				   ? json_object_get_string(value)
				   : NULL;

	if (!strcmp(id, "cpus"))
		r->first = is_first((struct json_at){ value, id });
	else if (!strcmp(id, "type") && text && !c->model)
		c->model = qmp_cpu_model(text);
	else if (!strcmp(id, "vendor") && text && !c->vendor)
		c->vendor = xstrdup(text);
	else if (!strcmp(id, "feature-words"))
		qmp_cpu_read_words((struct json_at){ value, id }, c, NULL);
}

static void take_object(struct reading *r, const char *line, size_t len)
{
	AUTO_JSON struct json_object *o = json_parse(line, len, NULL);
	struct json_at at = { o, "CPU trial" };
	struct json_object *value;
	const char *id = NULL;

	if (!o)
		return;
	if (json_opt_str(at, "id", &id, NULL) == 0 && id &&
	    json_object_object_get_ex(o, "return", &value))
		take_answer(r, id, value);
}

void cpu_trial_read(const char *text, struct cpu_trial *out)
{
	struct reading r = { .out = out };

	*out = (struct cpu_trial){ .errors = { .v = NULL } };
	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t bare = len && text[len - 1] == '\r' ? len - 1 : len;
		AUTO_FREE char *line = xstrndup(text, bare);

		if (line[0] == '{')
			take_object(&r, line, bare);
		else if (bare)
			take_line(&r, line);
		text += len + (text[len] == '\n');
	}
	if (!r.first || !out->cpu.model)
		qmp_cpu_free(&out->cpu);
}

void cpu_trial_free(struct cpu_trial *t)
{
	qmp_cpu_free(&t->cpu);
	strv_free(&t->errors);
	strv_free(&t->warnings);
	strv_free(&t->features);
	*t = (struct cpu_trial){ .errors = { .v = NULL } };
}
