/* SPDX-License-Identifier: MIT */
/*
 * check_table: the checks of several destinations side by side. Pure.
 */
#ifndef TOOLS_CLI_CHECK_TABLE_H
#define TOOLS_CLI_CHECK_TABLE_H

#include "tools/cli/check_report.h"
#include "tools/cli/style.h"
#include "transport/base/buf.h"

/*
 * A column a host, a row a family with its worst verdict, then how many passed,
 * warned and failed. Where that is wider than the terminal: a line a host.
 */
void check_table_put(struct buf *b, const struct style *s,
		     const struct check_report *v, size_t n);
/*
 * Why: findings that all hosts have in common once, then those of each host, or
 * what kept it from being checked. @detail as in check_view_list(), but what
 * passed has no line unless it is CHECK_DETAIL_ALL.
 */
void check_table_reasons(struct buf *b, const struct style *s,
			 const struct check_report *v, size_t n,
			 enum check_detail detail);
/* "web1 could go to hostb and hostc." */
void check_table_verdict(struct buf *b, const struct style *s,
			 const struct check_report *v, size_t n);

#endif
