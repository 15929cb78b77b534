package io.vireo.config;

/**
 * One thing that is wrong, for the operator to read.
 *
 * @param what the fault, in one sentence without a full stop
 * @param allowed what would be right; empty when the fault says it
 */
public record Problem(Origin origin, String what, String allowed) {
    @Override
    public String toString() {
        return origin.message(allowed.isEmpty() ? what : what + "; " + allowed);
    }
}
