package io.vireo.virtio.queue;

import java.util.Arrays;
import java.util.Comparator;

/** Chains found in flight, in the order in which the device before took them: that of their counters. */
final class ResubmitOrder {
    private record Found(char chain, long counter) {}

    private final Found[] found;
    private int count;

    /** @param max how many there may be */
    ResubmitOrder(int max) {
        found = new Found[max];
    }

    void add(int chain, long counter) {
        found[count++] = new Found((char) chain, counter);
    }

    char[] chains() {
        Arrays.sort(found, 0, count, Comparator.comparing(Found::counter, Long::compareUnsigned));
        char[] chains = new char[count];
        for (int i = 0; i < count; i++) chains[i] = found[i].chain;
        return chains;
    }

    /** Behind the last of them. */
    long nextCounter() {
        long next = 0;
        for (int i = 0; i < count; i++) if (Long.compareUnsigned(found[i].counter, next) >= 0) next = found[i].counter + 1;
        return next;
    }
}
