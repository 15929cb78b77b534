package io.vireo.virtio.blk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.GuestRing;
import io.vireo.virtio.queue.PackedGuestRing;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueBroken;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A guest that writes anything anywhere, on a packed virtqueue: taken, pushed, held back, published and offered again in
 * any order, the device answers or says that the ring is broken, and stays in bounds.
 */
class GarbagePackedRingTest {
    private static final int SIZE = 24;
    private static final int ROUNDS = 40_000 * Integer.getInteger("vireo.soak", 1);
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final int MARKS = 0x8080;
    /** What only a split virtqueue can find. */
    private static final Set<Fault> OF_SPLIT_ONES = EnumSet.of(Fault.AVAIL_JUMP, Fault.HEAD_OUT_OF_RANGE,
            Fault.HEAD_IN_FLIGHT, Fault.NEXT_OUT_OF_RANGE, Fault.CHAIN_LOOP, Fault.INDIRECT_NESTED);

    private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    private final PackedGuestRing guest = new PackedGuestRing(SIZE, 32 << 10);
    private final NativeBlock vectors = NativeBlock.allocate(16 * IoVec.ENTRY_BYTES, 16);
    private final BlkRequest request = new BlkRequest(new IoVec(vectors.address(), 16, 1024));
    private final Chain chain = new Chain(SIZE);
    private final BlkRequestReader reader = new BlkRequestReader(Devices.disk(1 << 20));
    private final Set<Fault> faults = EnumSet.noneOf(Fault.class);
    private final int[] held = new int[SIZE];
    private int heldCount;
    private long answered;
    private long used;

    @AfterEach
    void free() {
        guest.close();
        request.data().close();
        vectors.close();
    }

    @Test
    @Tag("virtio-1.3-2.8")
    void staysInBoundsWhateverTheGuestWrites() {
        System.out.println("GarbagePackedRingTest seed " + SEED + " (-Dvireo.seed), rounds " + ROUNDS);
        Assertions.assertTimeout(Duration.ofMinutes(5), () -> {
            for (int round = 0; round < ROUNDS; round++) serve(round);
        });
        assertTrue(guest.guest().guardsAreIntact(), "seed " + SEED);
        Set<VirtqueueBroken.Fault> reachable = EnumSet.complementOf(EnumSet.copyOf(OF_SPLIT_ONES));
        reachable.removeAll(VirtqueueBroken.Fault.OF_INFLIGHT);
        assertEquals(reachable, faults, "the checks reached, seed " + SEED);
        assertTrue(answered > ROUNDS / 20 && used > ROUNDS / 50,
                "answered " + answered + ", used " + used + ", seed " + SEED);
    }

    private void serve(int round) {
        long features = random.nextInt(4) == 0 ? 0 : VirtqueueLayout.RING_F_INDIRECT_DESC;
        if (random.nextBoolean()) features |= VirtqueueLayout.RING_F_EVENT_IDX;
        if (random.nextInt(4) == 0) features |= VirtqueueLayout.F_IN_ORDER;
        int start = random.nextInt(SIZE) | (random.nextBoolean() ? 0x8000 : 0);
        Virtqueue queue = guest.virtqueue(start | start << 16, features);
        heldCount = 0;
        scribble((start & 0x8000) != 0);
        try {
            for (int step = random.nextInt(60); step > 0; step--) step(queue, round);
        } catch (VirtqueueBroken broken) {
            faults.add(broken.fault());
        }
    }

    private void step(Virtqueue queue, int round) {
        switch (random.nextInt(8)) {
            case 0, 1, 2, 3 -> poll(queue, round);
            case 4, 5 -> push(queue);
            case 6 -> {
                queue.publishUsed();
                queue.needsCall();
            }
            default -> {
                if (random.nextBoolean()) queue.suppressKicks();
                else queue.enableKicks();
                if (random.nextInt(3) == 0) scribble(random.nextBoolean());
                else for (int i = 0; i < 3; i++) scribbleWord();
            }
        }
        assertTrue(queue.inFlight() <= SIZE, "seed " + SEED);
    }

    private void poll(Virtqueue queue, int round) {
        boolean available = queue.hasAvailable();
        boolean taken = queue.poll(guest.memory(), chain);
        assertEquals(available, taken);
        if (!taken) return;
        held[heldCount++] = chain.id();
        checkChain(round);
        reader.read(chain, request);
        answered++;
        checkInside(request.statusAddress(), 1, round);
        IoVec data = request.data();
        if (request.verdict() != BlkRequest.PROCEED) return;
        for (int i = 0; i < data.count(); i++) checkInside(data.base(i), data.lengthBytes(i), round);
    }

    private void push(Virtqueue queue) {
        if (heldCount == 0) return;
        int at = random.nextInt(heldCount);
        queue.pushUsed(held[at], random.nextInt(3));
        held[at] = held[--heldCount];
        used++;
    }

    private void checkChain(int round) {
        assertTrue(chain.id() < SIZE);
        long readable = 0;
        long writable = 0;
        for (int i = 0; i < chain.count(); i++) {
            checkInside(chain.address(i), chain.lengthBytes(i), round);
            if (i < chain.readableCount()) readable += chain.lengthBytes(i);
            else writable += chain.lengthBytes(i);
        }
        assertEquals(readable, chain.readableBytes());
        assertEquals(writable, chain.writableBytes());
    }

    private void checkInside(long address, long lengthBytes, int round) {
        long start = guest.guest().host(GuestRing.GPA);
        boolean inside = lengthBytes > 0 && address >= start && address + lengthBytes <= start + guest.guest().sizeBytes();
        if (!inside) Assertions.fail("outside: round " + round + ", seed " + SEED);
    }

    /** Fresh garbage in ring, events and memory, mostly marked as available in one lap. */
    private void scribble(boolean wrap) {
        for (int i = 0; i < 48; i++) scribbleWord();
        int rare = random.nextInt(20);
        for (int at = 0; at < SIZE; at++) describe(at, wrap, rare);
        guest.driverEvent(random.nextInt(0x10000), random.nextInt(random.nextInt(9) == 0 ? 0x10000 : 4));
        if (random.nextInt(100) == 0) describeHugeTable(wrap);
    }

    private void describe(int at, boolean wrap, int rare) {
        long gpa = random.nextInt(80) == 0 ? random.nextLong() : anywhere() & (random.nextBoolean() ? -1 : -16);
        long length = switch (random.nextInt(16)) {
            case 0 -> random.nextLong(0x1_0000_0000L);
            case 1 -> 0;
            case 2, 3 -> 1;
            case 4, 5 -> 512L * random.nextInt(1, 9);
            default -> 16;
        };
        int flags = switch (random.nextInt(16)) {
            case 0 -> random.nextInt(8);
            case 1 -> 4;
            case 2, 3, 4, 5, 6 -> 2;
            default -> 1;
        };
        if (rare == 0) flags = 1; // a ring that is one chain
        if (flags == 4 && random.nextInt(3) != 0) length = 16L * random.nextInt(1, 33);
        int marks = random.nextInt(60) == 0 ? random.nextInt() & MARKS : wrap ? 0x80 : 0x8000;
        int id = random.nextInt(60) == 0 ? random.nextInt(0x10000) : random.nextInt(3) == 0 ? random.nextInt(SIZE) : at;
        Memory.putLong(guest.descriptor(at), gpa);
        Memory.putLong(guest.descriptor(at) + 8, length | (long) id << 32 | (long) (flags | marks) << 48);
    }

    /** One table of more descriptors than accepted. */
    private void describeHugeTable(boolean wrap) {
        long at = GuestRing.GPA + guest.guest().sizeBytes() - 16 * 1100;
        for (int i = 0; i < 1100; i++) {
            Memory.putLong(guest.guest().host(at) + 16 * i, GuestRing.GPA);
            Memory.putLong(guest.guest().host(at) + 16 * i + 8, 1);
        }
        for (int i = 0; i < SIZE; i++) {
            Memory.putLong(guest.descriptor(i), at);
            Memory.putLong(guest.descriptor(i) + 8,
                    16L * 1100 | (long) i << 32 | (long) (4 | (wrap ? 0x80 : 0x8000)) << 48);
        }
    }

    private void scribbleWord() {
        long at = anywhere() & -8;
        Memory.putLong(guest.guest().host(at), random.nextInt(8) == 0 ? random.nextLong() : random.nextLong(16));
    }

    private long anywhere() {
        return GuestRing.GPA + random.nextLong(guest.guest().sizeBytes() - 16);
    }
}
