/* SPDX-License-Identifier: MIT */
/* limits.h - as the compiler knows them. */
#pragma once

#define CHAR_BIT __CHAR_BIT__
#define INT_MAX __INT_MAX__
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX (2u * INT_MAX + 1u)
#define LONG_MAX __LONG_MAX__
#define ULONG_MAX (2ul * LONG_MAX + 1ul)
