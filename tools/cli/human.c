/* SPDX-License-Identifier: MIT */
/* human: numbers as people read them. */
#include "tools/cli/human.h"

#include <math.h>
#include <stdio.h>

#include "transport/base/xalloc.h"

struct human human_bytes(double bytes)
{
	static const char *const units[] = {
		"B", "kB", "MB", "GB", "TB", "PB"
	};
	struct human h;
	size_t u = 0;

	if (!isfinite(bytes) || bytes < 0)
		return (struct human){ "?" };
	while (bytes >= 999.5 && u + 1 < ARRAY_SIZE(units)) {
		bytes /= 1000;
		u++;
	}
	snprintf(h.text, sizeof(h.text), "%.*f %s", u && bytes < 9.95, bytes,
		 units[u]);
	return h;
}

struct human human_rate(double bps)
{
	struct human bytes = human_bytes(bps), h;

	snprintf(h.text, sizeof(h.text), "%.24s/s", bytes.text);
	return h;
}

struct human human_ms(double ms)
{
	struct human h;

	if (!isfinite(ms) || ms < 0)
		return (struct human){ "?" };
	if (ms < 999.5)
		snprintf(h.text, sizeof(h.text), "%.*f ms", ms > 0 && ms < 9.95,
			 ms);
	else
		snprintf(h.text, sizeof(h.text), "%.1f s", ms / 1000);
	return h;
}

struct human human_clock(double ms)
{
	long long s = (long long)(ms / 1000);
	struct human h;

	if (!isfinite(ms) || ms < 0)
		return (struct human){ "?" };
	if (s < 3600)
		snprintf(h.text, sizeof(h.text), "%02lld:%02lld", s / 60,
			 s % 60);
	else
		snprintf(h.text, sizeof(h.text), "%lld:%02lld:%02lld", s / 3600,
			 s / 60 % 60, s % 60);
	return h;
}
