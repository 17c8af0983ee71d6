/* SPDX-License-Identifier: MIT */
/*
 * owns_unit: whose guest a unit of the system's manager starts, when the unit
 * is what asks: ExecCondition=+vmferry owns web1, which runs as root whatever
 * the unit's user is.
 */
#ifndef ENGINE_RECOVER_OWNS_UNIT_H
#define ENGINE_RECOVER_OWNS_UNIT_H

enum owns_unit {
	OWNS_UNIT_UNKNOWN, /* no such unit, or a script may become anybody */
	OWNS_UNIT_ROOT,	   /* it starts QEMU itself, which remains root's */
	OWNS_UNIT_USER, /* it starts it as another user, or QEMU becomes one */
};
/*
 * Of the unit that this process is in. *user is a name or a number, to be
 * freed; NULL unless it is OWNS_UNIT_USER. From a task.
 */
enum owns_unit owns_unit_ask(char **user);
/* By what owns_unit.sh prints. */
enum owns_unit owns_unit_judge(const char *text, char **user);

/*
 * sh: prints User= and ExecStart= of the unit that the shell is in, as
 * systemctl(1) does; nothing for a unit of a user's manager. $cgroup is in the
 * place of /proc/self/cgroup.
 */
extern const char owns_unit_sh[];

#endif
