/* SPDX-License-Identifier: MIT */
/* stdlib.h - empty: libfdt includes it, but what the kernel links of libfdt needs none of it. */
