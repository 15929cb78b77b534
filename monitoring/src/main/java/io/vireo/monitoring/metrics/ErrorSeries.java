package io.vireo.monitoring.metrics;

import java.util.BitSet;

/**
 * Which failures of one device have a series of their own: the first {@value #OWN} pairs of operation and reason that occur; later
 * ones are added to their operation's {@code other}. A pair keeps what it got, so no series ever goes backwards.
 */
final class ErrorSeries {
    /** With the seven {@code other} these are at most 18 series. */
    static final int OWN = 11;

    private final BitSet own = new BitSet(Op.COUNT * Reason.COUNT);

    /** Turns the counts by reason of one operation into those to export, in place. Thread: any. */
    synchronized void fold(int op, long[] counts) {
        for (int reason = 0; reason < Reason.COUNT; reason++) {
            if (counts[reason] == 0 || reason == Reason.OTHER) continue;
            int pair = op * Reason.COUNT + reason;
            if (!own.get(pair) && own.cardinality() < OWN) own.set(pair);
            if (own.get(pair)) continue;
            counts[Reason.OTHER] += counts[reason];
            counts[reason] = 0;
        }
    }
}
