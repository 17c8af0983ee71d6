/* SPDX-License-Identifier: MIT */
/*
 * human: numbers as people read them.
 *
 * A value that is not known (NAN, negative) is "?". Sizes are powers of 1000.
 * The text is in a struct, so that several fit into one printf.
 */
#ifndef TOOLS_CLI_HUMAN_H
#define TOOLS_CLI_HUMAN_H

struct human {
	char text[32];
};

struct human human_bytes(double bytes); /* "96 MB", "4.0 GB" */
struct human human_rate(double bps);	/* "812 MB/s" */
struct human human_ms(double ms);	/* "0.5 ms", "48 ms", "1.9 s" */
struct human human_clock(double ms);	/* "00:14", "1:02:03" */

#endif
