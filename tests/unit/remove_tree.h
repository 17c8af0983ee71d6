/* SPDX-License-Identifier: MIT */
/* remove_tree: what a test made below a directory of its own goes. */
#ifndef TESTS_UNIT_REMOVE_TREE_H
#define TESTS_UNIT_REMOVE_TREE_H

#include <ftw.h>
#include <stdio.h>

static inline int remove_tree_one(const char *name, const struct stat *st,
				  int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(name);
}

/* @dir and all in it; links are not followed. 0, or not for a failure. */
static inline int remove_tree(const char *dir)
{
	return nftw(dir, remove_tree_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
