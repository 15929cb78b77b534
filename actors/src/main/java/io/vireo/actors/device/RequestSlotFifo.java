package io.vireo.actors.device;

/** Slots in the order they came, on an array that only grows. Thread: the IOThread. */
final class RequestSlotFifo {
    private RequestSlot[] slots = new RequestSlot[64];
    private int head;
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    void add(RequestSlot slot) {
        if (size == slots.length) grow();
        slots[(head + size++) & (slots.length - 1)] = slot;
    }

    RequestSlot remove() {
        RequestSlot slot = slots[head];
        slots[head] = null;
        head = (head + 1) & (slots.length - 1);
        size--;
        return slot;
    }

    private void grow() {
        RequestSlot[] larger = new RequestSlot[slots.length * 2];
        for (int i = 0; i < size; i++) larger[i] = slots[(head + i) & (slots.length - 1)];
        slots = larger;
        head = 0;
    }
}
