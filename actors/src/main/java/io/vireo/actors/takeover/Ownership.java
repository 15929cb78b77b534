package io.vireo.actors.takeover;

import io.vireo.posix.Fd;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memfd;
import io.vireo.posix.Memory;

/**
 * Which of two processes serves: a word in memory that both have mapped, changed by one atomic instruction at a time. It
 * stays decided when either dies, whenever that is; a message could be lost with its sender or its receiver.
 *
 * <pre>
 * SERVED -> OFFERED -> TAKEN         by the new process, before it touches anything
 *       \          \-> WITHDRAWN     by the old one, before it goes on
 *        \----------/
 * </pre>
 *
 * Thread: any.
 */
final class Ownership implements AutoCloseable {
    enum State {
        /** The old process serves; if it is dead, nobody does. */
        SERVED,
        /** The old process is at rest and the new one knows everything. */
        OFFERED,
        TAKEN,
        /** The old process serves, and this takeover has failed. */
        WITHDRAWN
    }

    private static final long BYTES = 4096;

    private final Fd fd;
    private final Mapping word;

    private Ownership(Fd fd) {
        this.fd = fd;
        try {
            word = Mapping.shared(fd, 0, BYTES, true);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** The old process's. */
    static Ownership create() {
        return new Ownership(Memfd.create("vireo-ownership", BYTES));
    }

    /** The new process's, of what the old one made; takes {@code fd} over. */
    static Ownership of(Fd fd) {
        return new Ownership(fd);
    }

    Fd fd() {
        return fd;
    }

    /** @throws IllegalStateException the word is none of ours */
    State state() {
        int ordinal = Memory.getIntAcquire(word.address());
        State[] all = State.values();
        if (ordinal < 0 || ordinal >= all.length) throw new IllegalStateException("ownership " + ordinal);
        return all[ordinal];
    }

    /** Everything was told. */
    void offer() {
        change(State.SERVED, State.OFFERED);
    }

    /** True for the one who serves from now on: the other process has not withdrawn it. */
    boolean take() {
        return change(State.OFFERED, State.TAKEN);
    }

    /** True when the old process goes on serving; false: the new one has taken it. */
    boolean withdraw() {
        return change(State.SERVED, State.WITHDRAWN) || change(State.OFFERED, State.WITHDRAWN);
    }

    private boolean change(State from, State to) {
        return Memory.compareAndExchangeInt(word.address(), from.ordinal(), to.ordinal()) == from.ordinal();
    }

    @Override
    public void close() {
        word.close();
        fd.close();
    }
}
