/* SPDX-License-Identifier: MIT */
/*
 * What the files of the test guest share. Everything that changes after boot
 * is in one of four places, each of which the self-check covers: struct state
 * (one page), the stack page, the table of generations, the working set.
 */
#ifndef GUEST_TESTGUEST_H
#define GUEST_TESTGUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096u
#define PAGES_PER_MIB 256u

enum touch { TOUCH_FULL, TOUCH_LINE };
enum pattern { PATTERN_LINEAR, PATTERN_UNIFORM, PATTERN_HOTCOLD };

struct param {
	uint32_t fill_mib, ws_mib, ws_pages, rate_mibps;
	uint32_t touch, pattern;
	uint32_t busy_ms, idle_ms;
	uint32_t hb_ms, burst_ms;
};

struct clock {
	uint64_t ticks; /* of the ACPI PM timer, since boot */
	uint64_t now_us;
	uint32_t raw;
};

struct pace {
	uint64_t seen_us; /* credit is granted up to here */
	uint64_t credit;  /* in millionths of a page */
	bool paused;
};

struct verify {
	bool active;
	uint32_t next; /* pages below are checked */
	uint32_t bad, first_bad;
	uint64_t digest; /* of the generations below next */
	uint64_t begun_us;
};

struct state {
	uint64_t lap; /* equals root.lap, or we are stale */
	struct param param;
	struct clock clock;
	struct pace pace;
	struct verify verify;
	uint64_t next_beat_us, next_work_us;
	uint32_t cursor, random; /* where the patterns are */
	char command[16];	 /* an unfinished r=MIB */
	uint32_t command_len;
	uint32_t tx_head, tx_tail;
	char tx[2048];
};

extern struct state st;
extern volatile uint32_t boot_canary; /* top word of the stack page */

/* testguest.c */
void testguest_main(uint32_t magic, const uint32_t *mbi)
	__attribute__((noreturn));
void testguest_exception(uint32_t vector) __attribute__((noreturn));

/* param.c: NULL, or the word that is wrong (and why, in *reason). */
const char *param_parse(struct param *p, char *cmdline, const char **reason);
/* A decimal number, whole string; false if it is none or above max. */
bool param_number(const char *text, uint32_t max, uint32_t *value);

/* uart.c: a line is queued whole or, if there is no room, not at all. */
void uart_init(void);
bool uart_line(const char *format, ...) /* %s %u (32 bit) %U (64) %x */
	__attribute__((nonnull));
void uart_flush(void); /* as much as the UART takes now */
void uart_drain(void); /* all of it; waits, but not for ever */
int uart_getc(void);   /* -1: nothing there */

/* hw.c */
void hw_init(void);
bool hw_clock_works(void);
void hw_clock_start(struct clock *clock);
void hw_clock_update(struct clock *clock);
void hw_tick(uint32_t ms); /* 1..50: how often hw_wait wakes up */
void hw_wait(void);	   /* sleeps until the next tick */
void hw_halt(void) __attribute__((noreturn));
void hw_poweroff(void); /* returns if nothing happened */
void hw_triple_fault(void) __attribute__((noreturn));

/* pages.c: page numbers count from the first filled page. */
void pages_init(uint32_t base, uint32_t pages, uint32_t ws_pages);
uint32_t pages_needed_bytes(uint32_t pages, uint32_t ws_pages);
void pages_touch(uint32_t page);
void pages_corrupt(void); /* flips a bit; again: flips it back */
void pages_verify_start(void);
bool pages_verify_slice(void); /* false: nothing to do */

#endif
