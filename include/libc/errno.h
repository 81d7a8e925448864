/* SPDX-License-Identifier: MIT */
/* errno.h - the error numbers that the kernel returns, negative; values as in Linux. */
#ifndef ERRNO_H
#define ERRNO_H

#define ENOENT 2
#define EIO 5
#define E2BIG 7
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define EBUSY 16
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define EROFS 30
#define ERANGE 34
#define EDEADLK 35
#define EILSEQ 84
#define ENOTSUP 95
#define ETIMEDOUT 110
#define ECANCELED 125

#endif
