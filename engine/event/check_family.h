/* SPDX-License-Identifier: MIT */
/*
 * check_family: which checks belong together, for who reads them.
 */
#ifndef ENGINE_EVENT_CHECK_FAMILY_H
#define ENGINE_EVENT_CHECK_FAMILY_H

/* In the order in which they are shown. */
enum check_family {
	CHECK_FAMILY_HOSTS,
	CHECK_FAMILY_GUEST,
	CHECK_FAMILY_DISKS,
	CHECK_FAMILY_NETWORK,
	CHECK_FAMILY_MACHINE,
	CHECK_FAMILY_OWNER,
	CHECK_FAMILY_OTHER, /* no row of the table names it */
	CHECK_FAMILIES
};
/* For programs: "hosts". */
const char *check_family_name(enum check_family f);
/* For people: "hosts and login". */
const char *check_family_title(enum check_family f);

/* The family of the check @name; CHECK_FAMILY_OTHER: it has no row. */
enum check_family check_family_of(const char *name);

#endif
