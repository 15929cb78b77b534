package io.vireo.monitoring.metrics;

import java.util.List;

/**
 * The kinds of request told apart by the metrics, as small numbers because they index arrays on the hot path.
 *
 * <p>{@link #OTHER} is every type that is none of ours, so what a guest invents adds no series.
 */
public final class Op {
    public static final int READ = 0;
    public static final int WRITE = 1;
    public static final int FLUSH = 2;
    public static final int DISCARD = 3;
    public static final int WRITE_ZEROES = 4;
    public static final int GET_ID = 5;
    public static final int OTHER = 6;
    /** How many there are. */
    public static final int COUNT = 7;

    private static final List<String> LABELS =
            List.of("read", "write", "flush", "discard", "write_zeroes", "get_id", "other");

    private Op() {}

    /** The value of the label {@code op}. */
    public static String label(int op) {
        return LABELS.get(op);
    }

    /** Whether requests of this kind name a range of the disk, so that bytes can be counted at all. */
    static boolean hasBytes(int op) {
        return op == READ || op == WRITE || op == DISCARD || op == WRITE_ZEROES;
    }
}
