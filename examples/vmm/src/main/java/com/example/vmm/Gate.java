package com.example.vmm;

/** Where the processors' threads come by before they enter the guest: open, closed for a while, or for good. */
final class Gate {
    private enum State { OPEN, PAUSED, ENDED }

    private final int threads;
    private State state = State.OPEN;
    private int waiting;

    Gate(int threads) {
        this.threads = threads;
    }

    /** Waits while paused; answers false when it is over. */
    synchronized boolean pass() throws InterruptedException {
        waiting++;
        notifyAll();
        while (state == State.PAUSED) wait();
        waiting--;
        return state == State.OPEN;
    }

    synchronized void pause() {
        if (state == State.OPEN) state = State.PAUSED;
    }

    /** Waits, after a pause, until no thread is in the guest; false when it ended meanwhile. */
    synchronized boolean awaitAll() throws InterruptedException {
        while (state == State.PAUSED && waiting < threads) wait();
        return state == State.PAUSED;
    }

    synchronized void resume() {
        if (state == State.PAUSED) state = State.OPEN;
        notifyAll();
    }

    synchronized void end() {
        state = State.ENDED;
        notifyAll();
    }

    synchronized boolean isPaused() {
        return state == State.PAUSED;
    }
}
