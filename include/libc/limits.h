/* SPDX-License-Identifier: MIT */
/* limits.h - of the C standard's, what libfdt uses. */
#pragma once

#define INT_MAX __INT_MAX__
