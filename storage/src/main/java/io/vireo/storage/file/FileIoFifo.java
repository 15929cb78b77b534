package io.vireo.storage.file;

/** In-flight requests that wait for room in a queue of the kernel's, linked through themselves. */
final class FileIoFifo {
    private FileIo head;
    private FileIo tail;

    boolean isEmpty() {
        return head == null;
    }

    FileIo peek() {
        return head;
    }

    void add(FileIo io) {
        if (head == null) head = io;
        else tail.next = io;
        tail = io;
    }

    FileIo poll() {
        FileIo first = head;
        head = first.next;
        if (head == null) tail = null;
        first.next = null;
        return first;
    }
}
