/* SPDX-License-Identifier: MIT */
/* host_tools: which programs the scripts of a destination do not find. */
#include "engine/hosts/host_tools.h"

#include <stdlib.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/xalloc.h"

extern const char host_tools_sh[];

int host_tools_ask(struct host *h, const struct as_user *user,
		   struct host_tools *out, struct mono deadline,
		   struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *limits = NULL;

	*out = (struct host_tools){ .lacks = NULL };
	as_user_assign(&script, user);
	buf_printf(&script, "%s", host_tools_sh);
	if (probe_script(h, "tools", buf_data(&script), &text, deadline, err) <
	    0)
		return -1;
	limits = answer_value(buf_data(&text), "limits_lack");
	out->limits_lack = limits != NULL;
	out->lacks = answer_value(buf_data(&text), "lacks");
	if (!out->lacks)
		out->lacks = xstrdup("");
	return 0;
}

void host_tools_free(struct host_tools *t)
{
	free(t->lacks);
	*t = (struct host_tools){ .lacks = NULL };
}
