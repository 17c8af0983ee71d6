/* SPDX-License-Identifier: MIT */
/* vmferry version */
#include <json_c_version.h>
#include <libssh2.h>

#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"

static int run(struct cli *cli)
{
	const char *ssh = libssh2_version(0);

	if (cli->settings.json) {
		struct json_object *o = json_new();

		o = json_add_str(o, "version", VMFERRY_VERSION);
		o = json_add_str(o, "libssh2", ssh);
		o = json_add_str(o, "json_c", json_c_version());
		return cli_print_json(o, 0);
	}
	printf("vmferry %s (libssh2 %s, json-c %s)\n", VMFERRY_VERSION, ssh,
	       json_c_version());
	return cli_end(0);
}

static const struct option_group *const groups[] = {
	&group_speech,
	&group_general,
	NULL,
};

const struct command cmd_version = {
	.name = "version",
	.args = "",
	.summary = "tells the version of vmferry and of its libraries",
	.description = "Tells the version of vmferry and of the libraries it "
		       "runs with.",
	.groups = groups,
	.run = run,
};
