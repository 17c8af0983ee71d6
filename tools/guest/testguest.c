/* SPDX-License-Identifier: MIT */
/*
 * A guest that proves its own migration: it fills memory with pages that can
 * be recomputed, rewrites some of them at a set rate, beats on the first
 * serial port, and verifies everything on request.
 *
 * Parameters (key=value, after -append):
 *	fill=MIB	memory filled with incompressible pages (16)
 *	ws=MIB		the part of it that is rewritten (all)
 *	wspages=N	the same in pages, for very small ones
 *	rate=MIB	rewritten a second: MiB of pages touched (0: idle)
 *	touch=full|line	the whole page, or 64 bytes of it (full)
 *	pattern=linear|uniform|hotcold
 *			order: around and around, at random, or 9 in 10 in the
 *			first tenth of the working set (linear)
 *	busy=MS idle=MS	rewrite for busy, rest for idle (always busy)
 *	hb=MS		interval of the heartbeats (10)
 *	burst=MS	how much missed time a late guest makes up for (10)
 *
 * Lines it sends:
 *	B ...		boot: version and parameters as understood
 *	F pages=N us=T	memory is filled; the beats start now
 *	H SEQ TIMEus	heartbeat; SEQ starts at 0 and has no gaps
 *	W PAGES TIMEus	pages rewritten so far, every 100 ms while busy
 *	V ..., S ...	answers to the commands v and s
 *	O c		command c was obeyed
 *	E ...		error; ends in a halt where it cannot go on
 *
 * Commands it takes, one character each:
 *	v verify   s status   p pause rewriting   c continue   q power off
 *	r=MIB and newline: new rate   x flip a bit of a page   t triple fault
 */
#include "testguest.h"
#include "root.h"

#define MULTIBOOT_MAGIC 0x2badb002u
#define MULTIBOOT_HAS_CMDLINE 0x04u
#define MULTIBOOT_HAS_MMAP 0x40u
#define MMAP_AVAILABLE 1u
#define FILL_BASE 0x200000u
#define SLICE_PAGES 32u
#define WORK_REPORT_US 100000u
#define SLOW_TICK_MS 10u
#define BEAT_SLACK_US 500u /* a tick may come a little early */
#define PAGE_CREDIT 1000000u

struct mmap_entry {
	uint32_t size; /* of what follows */
	uint64_t base, bytes;
	uint32_t type;
} __attribute__((packed));

struct state st __attribute__((aligned(4096)));
_Static_assert(sizeof(struct state) <= PAGE_BYTES, "state is one page");

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	uart_line("E %s: %s", what, why);
	uart_drain();
	hw_halt();
}

void testguest_exception(uint32_t vector)
{
	uart_line("E exception %u", vector);
	uart_drain();
	hw_halt();
}

/* End of the usable memory that starts at or below FILL_BASE. */
static uint32_t memory_end(const uint32_t *mbi)
{
	const char *at = (const char *)(uintptr_t)mbi[12];
	const char *end = at + mbi[11];
	const struct mmap_entry *e;
	uint64_t top;

	if (!(mbi[0] & MULTIBOOT_HAS_MMAP))
		die("memory", "no map from the loader");
	for (; at < end; at += e->size + sizeof(e->size)) {
		e = (const struct mmap_entry *)at;
		top = e->base + e->bytes;
		if (e->type != MMAP_AVAILABLE || e->base > FILL_BASE ||
		    top <= FILL_BASE)
			continue;
		return top > UINT32_MAX ? UINT32_MAX & ~(PAGE_BYTES - 1)
					: (uint32_t)top;
	}
	die("memory", "nothing usable above 2 MiB");
}

static void read_parameters(const uint32_t *mbi)
{
	char *cmdline = (char *)(uintptr_t)mbi[4];
	const char *wrong, *reason;

	if (!(mbi[0] & MULTIBOOT_HAS_CMDLINE))
		die("parameters", "no command line from the loader");
	wrong = param_parse(&st.param, cmdline, &reason);
	if (wrong) {
		uart_line("E bad parameter %s: %s", wrong, reason);
		uart_drain();
		hw_halt();
	}
}

static void fill_memory(uint32_t end)
{
	const struct param *p = &st.param;
	uint32_t pages = p->fill_mib * PAGES_PER_MIB;
	uint32_t room_mib = (end - FILL_BASE) / (PAGE_BYTES * PAGES_PER_MIB);
	uint64_t begun_us;

	uart_line("B vmferry-guest 1 fill=%u wspages=%u rate=%u touch=%u "
		  "pattern=%u busy=%u idle=%u hb=%u burst=%u",
		  p->fill_mib, p->ws_pages, p->rate_mibps, p->touch, p->pattern,
		  p->busy_ms, p->idle_ms, p->hb_ms, p->burst_ms);
	if (p->fill_mib > room_mib ||
	    pages_needed_bytes(pages, p->ws_pages) > end - FILL_BASE) {
		uart_line("E bad parameter fill=%u: room for less than %u MiB "
			  "in one piece below 4 GiB",
			  p->fill_mib, room_mib);
		uart_drain();
		hw_halt();
	}
	uart_drain();
	begun_us = st.clock.now_us;
	pages_init(FILL_BASE, pages, p->ws_pages);
	hw_clock_update(&st.clock);
	uart_line("F pages=%u us=%U", pages, st.clock.now_us - begun_us);
}

/*
 * The state page and the stack page hold a copy of the register's turn count
 * each: whichever page a migration brought in a stale version gives itself
 * away on the first turn after it.
 */
static void check_small_pages(void)
{
	struct root root;

	root_get(&root);
	if (st.lap != root.lap || boot_canary != (uint32_t)root.lap) {
		if (!root.bad++)
			root.first_bad =
				st.lap != root.lap
					? (uint32_t)(uintptr_t)&st
					: (uint32_t)(uintptr_t)&boot_canary;
		uart_line("E stale state or stack page");
	}
	root.lap++;
	st.lap = root.lap;
	boot_canary = (uint32_t)root.lap;
	root_put(&root);
}

static void beat(void)
{
	uint64_t now = st.clock.now_us;
	struct root root;

	if (now + BEAT_SLACK_US < st.next_beat_us)
		return;
	root_get(&root);
	if (!uart_line("H %U %Uus", root.seq, now))
		return; /* no room: the beat is late, not lost */
	root.seq++;
	root_put(&root);
	st.next_beat_us = now + st.param.hb_ms * 1000u;
}

/* Few wake-ups for an idle guest, fine ones for one that paces its work. */
static void choose_tick(void)
{
	const struct param *p = &st.param;

	hw_tick(p->rate_mibps || p->hb_ms % SLOW_TICK_MS ? 1 : SLOW_TICK_MS);
}

static void report_work(void)
{
	struct root root;

	if (st.clock.now_us < st.next_work_us || !st.param.rate_mibps)
		return;
	st.next_work_us = st.clock.now_us + WORK_REPORT_US;
	root_get(&root);
	uart_line("W %U %Uus", root.work, st.clock.now_us);
}

static void report_status(void)
{
	struct root root;

	root_get(&root);
	uart_line("S seq=%U us=%U rate=%u paused=%u work=%U bad=%U verify=%u",
		  root.seq, st.clock.now_us, st.param.rate_mibps,
		  st.pace.paused, root.work, root.bad, st.verify.active);
}

static uint32_t random_below(uint32_t limit)
{
	uint32_t x = st.random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	st.random = x;
	return (uint32_t)((uint64_t)x * limit >> 32);
}

static uint32_t next_page(void)
{
	uint32_t count = st.param.ws_pages;
	uint32_t hot = (count + 9) / 10;

	switch ((enum pattern)st.param.pattern) {
	case PATTERN_UNIFORM:
		return random_below(count);
	case PATTERN_HOTCOLD:
		if (hot == count || random_below(10))
			return random_below(hot);
		return hot + random_below(count - hot);
	case PATTERN_LINEAR:
		break;
	}
	if (st.cursor >= count)
		st.cursor = 0;
	return st.cursor++;
}

static bool resting(void)
{
	const struct param *p = &st.param;
	uint64_t period_us = (p->busy_ms + p->idle_ms) * 1000u;

	if (st.pace.paused || !p->rate_mibps || !p->ws_pages)
		return true;
	return period_us && st.clock.now_us % period_us >= p->busy_ms * 1000u;
}

/* Time missed beyond burst is forgotten, so that a pause has no echo. */
static void grant_credit(void)
{
	uint64_t missed_us = st.clock.now_us - st.pace.seen_us;
	uint64_t burst_us = st.param.burst_ms * 1000u;
	uint64_t per_us = st.param.rate_mibps * PAGES_PER_MIB;

	st.pace.seen_us = st.clock.now_us;
	st.pace.credit += missed_us * per_us;
	if (st.pace.credit > burst_us * per_us)
		st.pace.credit = burst_us * per_us;
}

/* True if there is more to do at once. */
static bool work_slice(void)
{
	uint32_t n;

	if (resting()) {
		st.pace.seen_us = st.clock.now_us;
		st.pace.credit = 0;
		return false;
	}
	grant_credit();
	for (n = 0; n < SLICE_PAGES && st.pace.credit >= PAGE_CREDIT; n++) {
		pages_touch(next_page());
		st.pace.credit -= PAGE_CREDIT;
	}
	return st.pace.credit >= PAGE_CREDIT;
}

static void set_rate(char *text)
{
	uint32_t rate;

	if (!param_number(text, 65535, &rate)) {
		uart_line("E r=%s: not a number in range", text);
		return;
	}
	st.param.rate_mibps = rate;
	choose_tick();
	uart_line("O r=%u", rate);
}

/* Collects r=MIB up to the end of the line. */
static void rate_char(char c)
{
	if (c != '\n' && c != '\r') {
		if (st.command_len < sizeof(st.command) - 1)
			st.command[st.command_len++] = c;
		return;
	}
	st.command[st.command_len] = '\0';
	st.command_len = 0;
	set_rate(st.command[1] == '=' ? st.command + 2 : st.command + 1);
}

static void power_off(void)
{
	uart_line("O q");
	uart_drain();
	hw_poweroff(); /* takes effect a moment later */
}

static void command(char c)
{
	switch (c) {
	case 'v':
		pages_verify_start();
		return;
	case 's':
		report_status();
		return;
	case 'p':
	case 'c':
		st.pace.paused = c == 'p';
		break;
	case 'x':
		pages_corrupt();
		break;
	case 'q':
		power_off();
		return;
	case 't':
		hw_triple_fault();
	case '\n':
	case '\r':
		return;
	default:
		uart_line("E unknown command 0x%x", (uint32_t)(uint8_t)c);
		return;
	}
	uart_line("O %s", (char[]){ c, '\0' });
}

static void take_commands(void)
{
	int c;

	while ((c = uart_getc()) >= 0) {
		if (st.command_len || c == 'r')
			rate_char((char)c);
		else
			command((char)c);
	}
}

static void __attribute__((noreturn)) run(void)
{
	bool more;

	choose_tick();
	st.next_beat_us = st.clock.now_us;
	st.next_work_us = st.clock.now_us;
	for (;;) {
		hw_clock_update(&st.clock);
		check_small_pages();
		take_commands();
		beat();
		report_work();
		more = work_slice();
		more |= pages_verify_slice();
		uart_flush();
		if (!more)
			hw_wait();
	}
}

void testguest_main(uint32_t magic, const uint32_t *mbi)
{
	root_put(&(struct root){ 0 });
	st.random = 2463534242u;
	uart_init();
	hw_init();
	if (magic != MULTIBOOT_MAGIC)
		die("boot", "not started by a multiboot loader");
	if (!hw_clock_works())
		die("clock", "no ACPI PM timer at port 0x608");
	hw_clock_start(&st.clock);
	read_parameters(mbi);
	fill_memory(memory_end(mbi));
	boot_canary = 0;
	run();
}
