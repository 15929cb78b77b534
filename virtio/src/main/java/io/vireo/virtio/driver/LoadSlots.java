package io.vireo.virtio.driver;

/** What each slot of each queue is doing, as arrays. */
final class LoadSlots {
    private final int depth;
    private final LoadOperation[] operations;
    private final int[] first;
    private final int[] count;
    private final int[] shift;
    private final int[] generation;
    private final boolean[] busy;
    private final int[] free;
    private final int[] freeCount;
    private int inFlight;

    LoadSlots(int queues, int depth) {
        this.depth = depth;
        int total = queues * depth;
        operations = new LoadOperation[total];
        first = new int[total];
        count = new int[total];
        shift = new int[total];
        generation = new int[total];
        busy = new boolean[total];
        free = new int[total];
        freeCount = new int[queues];
        for (int queue = 0; queue < queues; queue++)
            for (int slot = 0; slot < depth; slot++) free[queue * depth + freeCount[queue]++] = slot;
    }

    boolean hasFree(int queue) {
        return freeCount[queue] > 0;
    }

    int take(int queue) {
        inFlight++;
        return free[queue * depth + --freeCount[queue]];
    }

    void giveBack(int queue, int slot) {
        inFlight--;
        busy[queue * depth + slot] = false;
        free[queue * depth + freeCount[queue]++] = slot;
    }

    void set(int queue, int slot, LoadOperation operation, int firstSector, int sectors, int dataShift, int write) {
        int at = queue * depth + slot;
        operations[at] = operation;
        first[at] = firstSector;
        count[at] = sectors;
        shift[at] = dataShift;
        generation[at] = write;
        busy[at] = true;
    }

    /** Slots taken and not given back, of all queues. */
    int inFlight() {
        return inFlight;
    }

    boolean busy(int queue, int slot) {
        return busy[queue * depth + slot];
    }

    LoadOperation operation(int queue, int slot) {
        return operations[queue * depth + slot];
    }

    int first(int queue, int slot) {
        return first[queue * depth + slot];
    }

    int count(int queue, int slot) {
        return count[queue * depth + slot];
    }

    int shift(int queue, int slot) {
        return shift[queue * depth + slot];
    }

    int generation(int queue, int slot) {
        return generation[queue * depth + slot];
    }
}
