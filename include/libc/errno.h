/* SPDX-License-Identifier: MIT */
/* errno.h - the error numbers that the kernel returns, negative; values as in Linux. */
#pragma once

enum {
        EPERM = 1, ENOENT = 2, EIO = 5, E2BIG = 7, EBADF = 9, EAGAIN = 11, ENOMEM = 12, EFAULT = 14, EBUSY = 16, ENODEV = 19,
        EINVAL = 22, ENOSPC = 28, EROFS = 30, EPIPE = 32, ERANGE = 34, EDEADLK = 35, EOVERFLOW = 75, ENOTSUP = 95,
        ETIMEDOUT = 110, EINPROGRESS = 115, ECANCELED = 125, EOWNERDEAD = 130,
};
