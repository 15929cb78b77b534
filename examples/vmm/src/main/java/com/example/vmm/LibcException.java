package com.example.vmm;

/** A system call that failed. */
final class LibcException extends RuntimeException {
    private static final long serialVersionUID = 1;
    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int EINTR = 4;
    static final int ENXIO = 6;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int ENODEV = 19;
    static final int ENODATA = 61;

    private final int errno;

    LibcException(String call, int errno) {
        super(call + ": " + Libc.describe(errno));
        this.errno = errno;
    }

    int errno() {
        return errno;
    }
}
