package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The structs of KVM's state as the bytes that they are. */
final class KvmState {
    private KvmState() {}

    static byte[] get(int fd, Ioctl request, int word) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment struct = arena.allocate(request.argumentBytes(), 64);
            struct.set(JAVA_INT, 0, word);
            Libc.ioctl(fd, request, struct);
            return struct.toArray(JAVA_BYTE);
        }
    }

    static void set(int fd, Ioctl request, byte[] state) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment struct = arena.allocate(request.argumentBytes(), 64);
            MemorySegment.copy(state, 0, struct, JAVA_BYTE, 0, state.length);
            Libc.ioctl(fd, request, struct);
        }
    }
}
