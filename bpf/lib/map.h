/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps, declared in one line. */
#ifndef SLUICE_MAP_H
#define SLUICE_MAP_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/* A map of libbpf's form. `map_type` stands behind BPF_MAP_TYPE_; NO_PREALLOC and PINNED may follow. */
#define MAP(name, map_type, key_type, value_type, entries, ...) \
	struct {                                                \
		__uint(type, BPF_MAP_TYPE_##map_type);          \
		__type(key, key_type);                          \
		__type(value, value_type);                      \
		__uint(max_entries, entries);                   \
		__VA_ARGS__                                     \
	} name SEC(".maps")

/* Entries are allocated when they are written, so an empty table costs little. */
#define NO_PREALLOC __uint(map_flags, BPF_F_NO_PREALLOC);
/* Commands read or write it: iproute2 and libbpf pin it by its name. */
#define PINNED __uint(pinning, LIBBPF_PIN_BY_NAME);

/* Reading hash tables that commands write. The kernel gives the memory of a replaced row to the next row that is written, at
 * once. So at that moment a lookup may miss a row that is there, and a row that was found may become another's.
 */

/* As bpf_map_lookup_elem, which is repeated where it finds nothing. */
#define FIND_ROW(map, key) (bpf_map_lookup_elem(map, key) ?: bpf_map_lookup_elem(map, key))

/* Finds `row` and executes `take`, which copies what is needed of it and returns whether the copy has changed. Repeated until
 * the same row is found twice and the copy has not changed, at most five times. Returns whether there is a row.
 */
#define READ_ROW(map, key, row, take)                                                         \
	({                                                                                    \
		typeof((map)->value) row;                                                     \
		const void *last = NULL;                                                      \
                                                                                              \
		_Pragma("clang loop unroll(disable)") for (int reads = 0; reads < 5; reads++) \
		{                                                                             \
			row = FIND_ROW(map, key);                                             \
			if (!row || (!(take) && row == last))                                 \
				break;                                                        \
			last = row;                                                           \
		}                                                                             \
		row != NULL;                                                                  \
	})

#endif
