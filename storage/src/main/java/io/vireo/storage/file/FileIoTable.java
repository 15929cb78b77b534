package io.vireo.storage.file;

import io.vireo.storage.node.IoRequest;

import java.util.Arrays;

/** The requests an engine has in flight, by slot; slots are reused, and the table grows when all are taken. */
final class FileIoTable {
    private FileIo[] slots = new FileIo[0];
    private FileIo free;
    private int taken;

    FileIoTable(int initialSlots) {
        grow(initialSlots);
    }

    FileIo take(int fd, IoRequest request) {
        if (free == null) grow(slots.length * 2);
        FileIo io = free;
        free = io.next;
        io.next = null;
        io.begin(fd, request);
        taken++;
        return io;
    }

    FileIo get(int slot) {
        return slots[slot];
    }

    void giveBack(FileIo io) {
        io.request = null;
        io.next = free;
        free = io;
        taken--;
    }

    int taken() {
        return taken;
    }

    private void grow(int size) {
        int from = slots.length;
        slots = Arrays.copyOf(slots, size);
        for (int slot = size - 1; slot >= from; slot--) {
            slots[slot] = new FileIo(slot);
            slots[slot].next = free;
            free = slots[slot];
        }
    }
}
