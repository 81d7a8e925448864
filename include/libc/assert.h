/* SPDX-License-Identifier: MIT */
/* assert.h - of the C standard's, only what the compiler checks. */
#ifndef ASSERT_H
#define ASSERT_H

#define static_assert _Static_assert

#endif
