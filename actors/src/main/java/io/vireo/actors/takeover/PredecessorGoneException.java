package io.vireo.actors.takeover;

/** The old process has died before it offered anything: nobody serves. */
public final class PredecessorGoneException extends RuntimeException {
    public PredecessorGoneException() {
        super("the daemon that was to be taken over has died", null, false, false);
    }
}
