package io.vireo.actors.iothread;

import java.util.Arrays;

/**
 * Who is told when a watched descriptor becomes readable. A token carries its slot and the slot's generation, so that a
 * report that was under way when the watch ended finds nobody.
 */
final class Watches {
    private static final int SLOT_BITS = 20;
    private static final int SLOT_MASK = (1 << SLOT_BITS) - 1;
    /** 20 + 32 bits leave the top of a 64-bit user_data to the poller. */
    private static final long GENERATION_MASK = 0xFFFF_FFFFL;

    private Runnable[] listeners = new Runnable[16];
    private long[] generations = new long[16];

    /** Answers the token to watch with. */
    long add(Runnable listener) {
        int slot = 0;
        while (slot < listeners.length && listeners[slot] != null) slot++;
        if (slot > SLOT_MASK) throw new IllegalStateException("watches=" + slot);
        if (slot == listeners.length) {
            listeners = Arrays.copyOf(listeners, slot * 2);
            generations = Arrays.copyOf(generations, slot * 2);
        }
        listeners[slot] = listener;
        return generations[slot] << SLOT_BITS | slot;
    }

    void remove(long token) {
        if (!isLive(token)) return;
        int slot = (int) (token & SLOT_MASK);
        listeners[slot] = null;
        generations[slot] = (generations[slot] + 1) & GENERATION_MASK;
    }

    boolean isLive(long token) {
        int slot = (int) (token & SLOT_MASK);
        return slot < listeners.length && listeners[slot] != null && generations[slot] == token >>> SLOT_BITS;
    }

    void ready(long token) {
        if (isLive(token)) listeners[(int) (token & SLOT_MASK)].run();
    }
}
