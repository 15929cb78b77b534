package io.vireo.test;

import io.vireo.posix.EventFd;
import io.vireo.posix.Memory;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.driver.VhostUserDisk;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;

/** What a driver of a packed virtqueue must not do, once each, on a ring that begins. Written from the specification's numbers. */
enum PackedAttack {
    ID_BEYOND_THE_QUEUE(Outcome.BREAKS, ring -> ring.request(Ring.SIZE, 0, 512)),
    ID_IN_FLIGHT(Outcome.BREAKS, ring -> {
        ring.request(5, 0, 512);
        ring.request(5, 0, 512);
    }),
    ONE_CHAIN_WITHOUT_END(Outcome.BREAKS, ring -> {
        for (int i = 0; i < Ring.SIZE; i++) ring.put(Ring.page(1), 16, Ring.NEXT, 0);
    }),
    CHAIN_THAT_GOES_ON_UNMARKED(Outcome.BREAKS, ring -> ring.put(Ring.page(1), 16, Ring.NEXT, 0)),
    READABLE_BEHIND_WRITABLE(Outcome.BREAKS, ring -> {
        ring.put(Ring.page(2), 512, Ring.NEXT | Ring.WRITE, 0);
        ring.put(Ring.page(1), 16, 0, 0);
    }),
    BUFFER_AT_ZERO(Outcome.BREAKS, ring -> ring.put(0, 16, 0, 0)),
    BUFFER_AT_THE_TOP(Outcome.BREAKS, ring -> ring.put(-8, 16, 0, 0)),
    BUFFER_PAST_THE_END(Outcome.BREAKS, ring -> ring.put(Ring.page(0) + Ring.MEMORY_BYTES - 15, 16, 0, 0)),
    BUFFER_OF_4_GIB(Outcome.BREAKS, ring -> ring.put(Ring.page(1), -1, 0, 0)),
    TABLE_OF_17_BYTES(Outcome.BREAKS, ring -> ring.put(Ring.page(4), 17, Ring.INDIRECT, 0)),
    TABLE_OF_NOTHING(Outcome.BREAKS, ring -> ring.put(Ring.page(4), 0, Ring.INDIRECT, 0)),
    TABLE_OF_4_GIB(Outcome.BREAKS, ring -> ring.put(Ring.page(4), -16, Ring.INDIRECT, 0)),
    TABLE_THAT_GOES_ON(Outcome.BREAKS, ring -> ring.put(Ring.page(4), 32, Ring.INDIRECT | Ring.NEXT, 0)),
    TABLE_OUTSIDE(Outcome.BREAKS, ring -> ring.put(0x1000, 32, Ring.INDIRECT, 0)),
    TABLE_TOO_LONG(Outcome.BREAKS, ring -> ring.put(Ring.page(4), 16 * 2000, Ring.INDIRECT, 0)),
    TABLE_THAT_IS_THE_RING(Outcome.ANY, ring -> ring.put(ring.gpa, 16 * Ring.SIZE, Ring.INDIRECT, 0)),
    HEADER_OF_15_BYTES(Outcome.BREAKS, ring -> {
        ring.put(Ring.page(1), 15, Ring.NEXT, 0);
        ring.put(Ring.page(3), 1, Ring.WRITE, 0);
    }),
    NO_STATUS(Outcome.BREAKS, ring -> ring.put(Ring.page(1), 16, 0, 0)),
    BEYOND_THE_DISK(Outcome.IOERR, ring -> ring.request(0, 1L << 40, 512)),
    AT_A_NEGATIVE_SECTOR(Outcome.IOERR, ring -> ring.request(0, -1, 512)),
    HALF_A_SECTOR(Outcome.IOERR, ring -> ring.request(0, 0, 100)),
    EVENTS_OF_GARBAGE(Outcome.OK, ring -> {
        Memory.putU16(ring.driverEvent, 0xFFFF);
        Memory.putU16(ring.driverEvent + 2, 0xFFFF);
        ring.request(0, 0, 512);
    }),
    DATA_OVER_THE_RING(Outcome.ANY, ring -> {
        ring.header(0, 0);
        ring.put(Ring.page(1), 16, Ring.NEXT, 0);
        ring.put(ring.gpa, 512, Ring.NEXT | Ring.WRITE, 0);
        ring.put(Ring.page(3), 1, Ring.WRITE, 0);
    }),
    DESCRIPTORS_THAT_CHANGE(Outcome.ANY, ring -> {
        ring.request(0, 0, 512);
        ring.kick.signal();
        for (int i = 0; i < 5_000; i++) {
            Memory.putLong(ring.at + 16L * (i % Ring.SIZE), i % 3 == 0 ? -1L : Ring.page(2));
            Memory.putLong(ring.at + 16L * (i % Ring.SIZE) + 8, 0x0080_0000_0000_0000L | i * 0x1_0001_0001L);
        }
    }),
    MEMORY_THAT_GOES_AWAY(Outcome.ANY, ring -> {
        ring.cut();
        ring.kick.signal();
    });

    /** What is to be seen of it. */
    enum Outcome { BREAKS, OK, IOERR, ANY }

    interface Deed {
        void on(Ring ring);
    }

    final Outcome outcome;
    private final Deed deed;

    PackedAttack(Outcome outcome, Deed deed) {
        this.outcome = outcome;
        this.deed = deed;
    }

    void attack(Ring ring) {
        deed.on(ring);
        ring.show();
    }

    /** The attacker's hold on its ring: descriptors go where the device looks next; the first is marked last. */
    static final class Ring {
        static final int SIZE = 16;
        static final long MEMORY_BYTES = 1 << 20;
        static final int NEXT = 1;
        static final int WRITE = 2;
        static final int INDIRECT = 4;
        private static final int AVAIL = 0x80;
        static final int STATUS_UNWRITTEN = 0xEE;

        final long at;
        final long gpa;
        final long driverEvent;
        final EventFd kick;
        private final DriverMemory memory;
        private int count;
        private int firstFlags;

        Ring(VhostUserDisk disk, DriverMemory memory) {
            this.memory = memory;
            DriverVirtqueue queue = disk.transport().queues().getFirst().virtqueue();
            at = queue.descriptorAddress();
            gpa = queue.descriptorGpa();
            driverEvent = queue.driverAddress();
            kick = disk.transport().queues().getFirst().kick();
            Memory.putU8(memory.address(page(3)), STATUS_UNWRITTEN);
        }

        /** Pages in the second half of the only region, where the ring is not. */
        static long page(int number) {
            return number == 0 ? DriverMemory.GPA_BASE : DriverMemory.GPA_BASE + MEMORY_BYTES / 2 + number * 0x8000L;
        }

        int status() {
            return Memory.getU8(memory.address(page(3)));
        }

        void put(long address, int lengthBytes, int flags, int id) {
            long here = at + 16L * count;
            Memory.putLong(here, address);
            Memory.putInt(here + 8, lengthBytes);
            Memory.putU16(here + 12, id);
            if (count++ == 0) firstFlags = flags | AVAIL;
            else Memory.putU16(here + 14, flags | AVAIL);
        }

        void header(int type, long sector) {
            Memory.putLong(memory.address(page(1)), type);
            Memory.putLong(memory.address(page(1)) + 8, sector);
        }

        /** A whole read. */
        void request(int id, long sector, int bytes) {
            header(0, sector);
            put(page(1), 16, NEXT, id);
            put(page(2), bytes, NEXT | WRITE, id);
            put(page(3), 1, WRITE, id);
        }

        void show() {
            if (count > 0) Memory.putU16Release(at + 14, firstFlags);
            kick.signal();
        }

        /** Cuts the file that the memory is. Nothing here touches it again. */
        void cut() {
            count = 0;
            try (var file = new RandomAccessFile("/proc/self/fd/" + memory.regions().getFirst().fd().number(), "rw")) {
                file.setLength(0);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
