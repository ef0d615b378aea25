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

#endif
