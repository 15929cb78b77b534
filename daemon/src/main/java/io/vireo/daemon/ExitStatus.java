package io.vireo.daemon;

/** What the process answers its caller. */
final class ExitStatus {
    static final int DONE = 0;
    /** A failure at run time, or data that does not match. */
    static final int FAILED = 1;
    /** Usage or configuration; nothing was created or changed. */
    static final int USAGE = 2;
    /** An image or a socket is in use. */
    static final int IN_USE = 3;

    private ExitStatus() {}
}
