/* SPDX-License-Identifier: MIT */
/*
 * check_report: what a check of one destination has brought, for people and
 * programs.
 */
#ifndef TOOLS_CLI_CHECK_REPORT_H
#define TOOLS_CLI_CHECK_REPORT_H

#include <json.h>
#include <stddef.h>

#include "engine/event/check.h"
#include "engine/event/event.h"
#include "engine/event/result.h"
#include "tools/cli/check_view.h"

struct ui;

/* Strings owned; NULL and NAN where it did not get so far. */
struct check_report {
	const char *host; /* as the user wrote it, borrowed */
	struct ui *ui;	  /* gets the events, too; borrowed */
	struct checks list;
	struct result result;
	char *source_qemu, *destination_qemu, *login;
	double link_bps;
	size_t lessons;
	char *link; /* the two in words */
};

void check_report_init(struct check_report *rep, struct ui *ui,
		       const char *host);
void check_report_free(struct check_report *rep);
/* An event_sink; @arg is the report. */
void check_report_event(void *arg, const struct event *ev);

/* Borrows from @rep. */
struct check_head check_report_head(const struct check_report *rep);
/* "pass", "warn" or "fail" */
const char *check_report_verdict(const struct check_report *rep);
/* Whether checks were made and none of them failed. */
bool check_report_is_ready(const struct check_report *rep);
/* Owned. */
struct json_object *check_report_to_json(const struct check_report *rep);

#endif
