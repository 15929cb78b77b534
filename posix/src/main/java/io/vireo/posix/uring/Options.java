package io.vireo.posix.uring;

/**
 * The sizes of a ring. The kernel rounds them up to powers of two, and down to its own maximum.
 *
 * @param entries how many operations can be prepared before a submit
 * @param completionEntries how many completions can wait to be reaped; beyond it the kernel keeps them aside
 */
public record Options(int entries, int completionEntries) {
    public Options {
        if (entries < 1 || completionEntries < entries) {
            throw new IllegalArgumentException("entries=" + entries + " completionEntries=" + completionEntries);
        }
    }

    /** 1024 operations, and four times as many completions. */
    public static Options defaults() {
        return new Options(1024, 4096);
    }
}
