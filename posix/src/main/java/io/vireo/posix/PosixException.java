package io.vireo.posix;

/** A system call failed. The message names the call, what it was about and the error in the system's words. */
public final class PosixException extends RuntimeException {
    private final String call;
    private final int errno;

    public PosixException(String call, String about, int errno) {
        super(call + (about.isEmpty() ? "" : " " + about) + ": " + Errno.describe(errno));
        this.call = call;
        this.errno = errno;
    }

    public String call() {
        return call;
    }

    public int errno() {
        return errno;
    }
}
