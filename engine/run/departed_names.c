/* SPDX-License-Identifier: MIT */
/* departed_names: the scripts of departed.h with what they need. */
#include "engine/run/departed_names.h"

#include "engine/argv/argv_moves.h"
#include "engine/hosts/admit.h"
#include "engine/hosts/departed.h"
#include "engine/hosts/disk_facts.h"
#include "engine/hosts/hand_over.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/proc_ask.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/state/state_dir.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

extern const char socket_take_sh[], socket_take_all_sh[];

void departed_names_begin(struct buf *script, const struct as_user *user)
{
	AUTO_FREE char *take =
		xasprintf("%s%s", socket_take_sh, socket_take_all_sh);

	as_user_assign(script, user);
	quote_assign(script, "variable", ARGV_ENV_RUN_DIR);
	quote_assign(script, "take_all", take);
	buf_printf(script, "%s%s%s%s%s%s", identity_match_sh, as_user_sh,
		   proc_ask_sh, run_dir_pids_sh, run_dir_remove_sh,
		   departed_sh);
}

void departed_names_sweep(struct host *h, const struct host_facts *facts)
{
	AUTO_FREE char *records = state_dir_arrived(facts->state_root);
	AUTO_FREE char *nonces = disk_facts_records(facts->state_root);
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf out = { 0 };
	AUTO_ERR struct err e = { 0 };

	buf_printf(&script, "%s", admit_sh);
	departed_names_begin(&script, NULL);
	buf_printf(&script, "sweep ");
	quote_word(&script, records);
	buf_printf(&script, "\n%s%s%snonce_sweep ", file_mark_sh, hand_over_sh,
		   disk_nonce_sh);
	quote_word(&script, nonces);
	buf_printf(&script, "\nexit 0\n");
	if (probe_script(h, "sweep", buf_data(&script), &out,
			 mono_in_ms(RUN_SCRIPT_MS), &e) < 0)
		log_warn(NULL, "left-overs of ended guests on %s: %s",
			 host_name(h), e.message);
}

void departed_names_sweep_host(struct host *h)
{
	struct host_facts facts = { 0 };

	if (probe_host(h, &facts, mono_in_ms(RUN_SCRIPT_MS), NULL) == 0)
		departed_names_sweep(h, &facts);
	host_facts_free(&facts);
}
