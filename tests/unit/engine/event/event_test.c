/* SPDX-License-Identifier: MIT */
/* Tests of engine/event/event.c. */
#include <math.h>
#include <stdlib.h>

#include "engine/event/event.h"
#include "qmp/json.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define COMMON(kind_word)                                        \
	"{\"v\":1,\"t\":1700000000.300001,\"mono_ms\":1500.125," \
	"\"run\":\"r1\",\"event\":\"" kind_word "\","

static struct event event_of(enum event_kind kind)
{
	return (struct event){
		.kind = kind,
		.t = { 1700000000300001 },
		.mono = { 1500125 },
		.run = "r1",
	};
}

static void assert_json(const struct event *ev, const char *expected)
{
	AUTO_JSON struct json_object *o = event_to_json(ev);
	AUTO_FREE char *line = json_line(o);

	assert_string_equal(line, expected);
}

TEST(a_run_start_names_the_journey)
{
	struct event ev = event_of(EVENT_RUN_START);

	ev.run_start = (struct event_run_start){
		.guest = "web1",
		.source = "hosta",
		.destination = "hostb",
		.max_blackout_ms = 300,
		.deadline_s = NAN,
		.bandwidth_bps = 4e6,
		.policy = "gate",
		.transport = "ssh",
	};
	assert_json(
		&ev,
		COMMON("run-start") "\"guest\":\"web1\",\"source\":\"hosta\","
				    "\"destination\":\"hostb\",\"max_blackout_"
				    "ms\":300,"
				    "\"deadline_s\":null,\"bandwidth_bps\":"
				    "4000000,\"policy\":\"gate\","
				    "\"transport\":\"ssh\"}");
}

TEST(a_line_that_was_made_is_not_made_again)
{
	struct event ev = event_of(EVENT_WARNING);
	AUTO_FREE char *made = event_line(&ev);
	AUTO_FREE char *again = NULL;

	assert_string_equal(made,
			    COMMON("warning") "\"name\":null,\"text\":null}");
	ev.line = "as it was";
	again = event_line(&ev);
	assert_string_equal(again, "as it was");
}

TEST(facts_keep_argv_as_arrays)
{
	struct event ev = event_of(EVENT_FACTS);
	struct strv argv = { 0 };

	strv_push(&argv, "qemu");
	strv_push(&argv, "-S");
	ev.facts = (struct event_facts){
		.source_qemu = "7.2.22",
		.source_argv = &argv,
		.guest = "web1",
		.uid = 1000,
		.machine = "pc-q35-7.2",
		.ram_bytes = 1 << 20,
		.vcpus = 2,
		.kvm = true,
		.login = "ssh(1)",
		.link_bps = 1e9,
		.lessons = 3,
	};
	assert_json(&ev, COMMON("facts") "\"source_qemu\":\"7.2.22\","
					 "\"destination_qemu\":null,"
					 "\"source_argv\":[\"qemu\",\"-S\"],"
					 "\"destination_argv\":null,"
					 "\"guest\":\"web1\",\"uuid\":null,"
					 "\"uid\":1000,"
					 "\"machine\":\"pc-q35-7.2\","
					 "\"ram_bytes\":1048576,\"vcpus\":2,"
					 "\"kvm\":true,\"login\":\"ssh(1)\","
					 "\"link_bps\":1000000000,"
					 "\"lessons\":3}");
	strv_free(&argv);
}

TEST(a_check_is_spread_out)
{
	struct event ev = event_of(EVENT_CHECK);
	char found[] = "fits";
	struct check c = {
		.name = "ram",
		.side = CHECK_DESTINATION,
		.verdict = CHECK_PASS,
		.found = found,
	};

	ev.check = &c;
	assert_json(&ev,
		    COMMON("check") "\"name\":\"ram\",\"side\":\"destination\","
				    "\"verdict\":\"pass\",\"found\":\"fits\","
				    "\"remedy\":null,\"family\":\"other\","
				    "\"cause\":null}");
}

TEST(a_phase_reports_both_ends)
{
	struct event ev = event_of(EVENT_PHASE);

	ev.phase = (struct event_phase){ PHASE_TUNNEL, PHASE_PRECOPY };
	assert_json(&ev,
		    COMMON("phase") "\"from\":\"tunnel\",\"to\":\"precopy\"}");
}

TEST(unknown_numbers_of_a_sample_are_null)
{
	struct event ev = event_of(EVENT_SAMPLE);

	ev.sample = (struct event_sample){
		.status = "active",
		.pass = 3,
		.remaining_bytes = 96000000,
		.transferred_bytes = -1,
		.total_bytes = -1,
		.bandwidth_bps = 812345678.6,
		.dirty_bps = NAN,
		.tunnel_bytes = 0,
		.downtime_limit_ms = 0.5,
		.throttle_percent = -1,
		.elapsed_ms = 14000,
	};
	assert_json(
		&ev,
		COMMON("sample") "\"status\":\"active\",\"pass\":3,"
				 "\"remaining_bytes\":96000000,"
				 "\"transferred_bytes\":null,\"total_bytes\":"
				 "null,"
				 "\"bandwidth_bps\":812345679,\"dirty_bps\":"
				 "null,"
				 "\"tunnel_bytes\":0,\"downtime_limit_ms\":0.5,"
				 "\"throttle_percent\":null,\"elapsed_ms\":"
				 "14000}");
}

TEST(a_pass_has_its_prediction)
{
	struct event ev = event_of(EVENT_PASS);

	ev.pass = (struct event_pass){
		.number = 2,
		.seconds = 1.25,
		.sent_bytes = 10,
		.remaining_bytes = 4,
		.dirtied_bytes = 4,
		.bandwidth_bps = 8,
		.predicted_blackout_ms = 48.5,
		.p_converge = 0.975,
		.eta_p50_s = 4,
		.eta_p90_s = NAN,
		.forecast_total_ms = 5000,
		.forecast_blackout_ms = 21.5,
		.why = "Waiting.",
	};
	assert_json(&ev,
		    COMMON("pass") "\"number\":2,\"seconds\":1.25,\"sent_"
				   "bytes\":10,"
				   "\"remaining_bytes\":4,\"dirtied_bytes\":4,"
				   "\"bandwidth_bps\":8,\"predicted_blackout_"
				   "ms\":48.5,"
				   "\"p_converge\":0.975,\"eta_p50_s\":4,"
				   "\"eta_p90_s\":null,"
				   "\"forecast_total_ms\":5000,"
				   "\"forecast_blackout_ms\":21.5,"
				   "\"why\":\"Waiting.\"}");
}

TEST(a_decision_gives_its_reason)
{
	struct event ev = event_of(EVENT_DECISION);

	ev.decision = (struct event_decision){ "open-gate", "it fits", 300 };
	assert_json(&ev, COMMON("decision") "\"action\":\"open-gate\",\"why\":"
					    "\"it fits\","
					    "\"downtime_limit_ms\":300}");
}

TEST(a_warning_has_a_stable_word)
{
	struct event ev = event_of(EVENT_WARNING);

	ev.warning = (struct event_warning){ "slow", "the link is slow" };
	assert_json(&ev, COMMON("warning") "\"name\":\"slow\",\"text\":\"the "
					   "link is slow\"}");
}

TEST(a_switchover_is_on_one_clock)
{
	struct event ev = event_of(EVENT_SWITCHOVER);

	ev.switchover = (struct event_switchover){
		.pre_switchover_ms = 1,
		.completed_ms = 40,
		.cont_sent_ms = 41,
		.resume_ms = 48,
		.blackout_ms = 48,
		.blackout_uncertainty_ms = 2,
		.qemu_downtime_ms = NAN,
	};
	assert_json(&ev,
		    COMMON("switchover") "\"pre_switchover_ms\":1,\"completed_"
					 "ms\":40,"
					 "\"cont_sent_ms\":41,\"resume_ms\":48,"
					 "\"blackout_ms\":48,\"blackout_"
					 "uncertainty_ms\":2,"
					 "\"qemu_downtime_ms\":null}");
}

TEST(a_result_is_spread_out_and_keeps_the_run)
{
	struct event ev = event_of(EVENT_RESULT);
	AUTO_JSON struct json_object *o = NULL;
	struct result r;

	result_init(&r);
	r.outcome = OUTCOME_CANCELLED;
	ev.result = &r;
	o = event_to_json(&ev);
	assert_string_equal(
		json_object_get_string(json_object_object_get(o, "run")), "r1");
	assert_string_equal(
		json_object_get_string(json_object_object_get(o, "outcome")),
		"cancelled");
	assert_int_equal(
		json_object_get_int(json_object_object_get(o, "exit_code")), 6);
	result_free(&r);
}

TEST(phases_come_in_the_order_of_a_migration)
{
	assert_string_equal(phase_name(PHASE_CONNECT), "connect");
	assert_string_equal(phase_name(PHASE_FINISH), "finish");
	assert_true(PHASE_PRECOPY < PHASE_SWITCHOVER);
	assert_true(PHASE_SWITCHOVER < PHASE_FINISH);
}
