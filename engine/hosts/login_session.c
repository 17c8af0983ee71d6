/* SPDX-License-Identifier: MIT */
/* session: the login that a run has on the destination. */
#include "engine/hosts/login_session.h"

/* There may be a login shell between the two. */
const char session_find[] =
	"p=$PPID session=\n"
	"while [ \"${p:-0}\" -gt 1 ]; do\n"
	"	set -- $(sed 's/.*) //' \"/proc/$p/stat\" 2>/dev/null)\n"
	"	case $(cat \"/proc/$p/comm\" 2>/dev/null) in\n"
	"	sshd*) session=\"$p ${20}\"; break ;;\n"
	"	esac\n"
	"	p=${2:-0}\n"
	"done\n";

/* Stopped first, so that it starts nothing while its children are counted. */
const char session_end[] =
	"children_of() { cat \"/proc/$1/task/$1/children\" 2>/dev/null; }\n"
	"end_session() {\n"
	"	[ -n \"${2:-}\" ] && [ \"$1 $2\" != \"$session\" ] || return "
	"0\n"
	"	[ \"$(ticks_of \"$1\")\" = \"$2\" ] || return 0\n"
	"	case $(cat \"/proc/$1/comm\" 2>/dev/null) in\n"
	"	sshd*) ;;\n"
	"	*) return 0 ;;\n"
	"	esac\n"
	"	kill -STOP \"$1\" 2>/dev/null\n"
	"	for c in $(children_of \"$1\"); do\n"
	"		kill -KILL $(children_of $c) $c 2>/dev/null\n"
	"	done\n"
	"	kill -KILL \"$1\" 2>/dev/null\n"
	"}\n";
