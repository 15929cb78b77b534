package io.vireo.virtio.blk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.GuestRing;
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
import org.junit.jupiter.api.Test;

/** A guest that writes anything anywhere: the device answers, or says that the ring is broken, and stays in bounds. */
class GarbageRingTest {
    private static final int SIZE = 32;
    private static final int ROUNDS = 60_000 * Integer.getInteger("vireo.soak", 1);
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    /** What only a packed virtqueue can find. */
    private static final Set<Fault> OF_PACKED_ONES = EnumSet.of(Fault.BUFFER_ID_OUT_OF_RANGE, Fault.BUFFER_ID_IN_FLIGHT,
            Fault.RING_OVERRUN, Fault.NEXT_NOT_AVAILABLE);

    private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    private final GuestRing guest = new GuestRing(SIZE, 32 << 10);
    private final NativeBlock vectors = NativeBlock.allocate(16 * IoVec.ENTRY_BYTES, 16);
    private final BlkRequest request = new BlkRequest(new IoVec(vectors.address(), 16, 1024));
    private final Chain chain = new Chain(SIZE);
    private final BlkRequestReader reader = new BlkRequestReader(Devices.disk(1 << 20));
    private final Set<Fault> faults = EnumSet.noneOf(Fault.class);
    private long answered;
    private long proceeded;

    @AfterEach
    void free() {
        guest.close();
        request.data().close();
        vectors.close();
    }

    @Test
    void staysInBoundsWhateverTheGuestWrites() {
        System.out.println("GarbageRingTest seed " + SEED + " (-Dvireo.seed), rounds " + ROUNDS);
        Assertions.assertTimeout(Duration.ofMinutes(5), () -> {
            for (int round = 0; round < ROUNDS; round++) serve(round);
        });
        assertTrue(guest.guardsAreIntact(), "seed " + SEED);
        Set<VirtqueueBroken.Fault> reachable = EnumSet.complementOf(EnumSet.copyOf(OF_PACKED_ONES));
        reachable.removeAll(VirtqueueBroken.Fault.OF_INFLIGHT);
        assertEquals(reachable, faults, "the checks reached, seed " + SEED);
        assertTrue(answered > ROUNDS / 50 && proceeded > ROUNDS / 500,
                "answered " + answered + ", proceeded " + proceeded + ", seed " + SEED);
    }

    private void serve(int round) {
        scribble();
        long features = random.nextInt(4) == 0 ? 0 : VirtqueueLayout.RING_F_INDIRECT_DESC;
        int start = random.nextInt(0x10000);
        Virtqueue queue = Virtqueue.of(0, SIZE, guest.areas(), start, features);
        int published = random.nextInt(30) == 0 ? random.nextInt(0x10000) : random.nextInt(SIZE + 2);
        for (int i = 0; i < SIZE; i++) {
            guest.putAvail(start + i, random.nextInt(random.nextInt(9) == 0 ? 0x10000 : SIZE));
        }
        guest.availIdx(start + published);
        int polls = 0;
        try {
            while (queue.poll(guest.memory(), chain)) {
                assertTrue(++polls <= SIZE, "more chains than published, seed " + SEED);
                checkChain(round);
                reader.read(chain, request);
                checkRequest(round);
                if (random.nextBoolean()) scribbleSome(4);
                if (random.nextInt(4) == 0) continue; // stays in flight
                queue.pushUsed(request.chainId(), request.complete(BlkLayout.S_OK));
                queue.publishUsed();
                queue.needsCall();
                queue.enableKicks();
            }
        } catch (VirtqueueBroken broken) {
            faults.add(broken.fault());
        }
    }

    private void checkChain(int round) {
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

    private void checkRequest(int round) {
        answered++;
        checkInside(request.statusAddress(), 1, round);
        if (request.verdict() != BlkRequest.PROCEED) return;
        proceeded++;
        assertTrue(request.offsetBytes() >= 0 && request.lengthBytes() <= (1 << 20) - request.offsetBytes());
        IoVec data = request.data();
        for (int i = 0; i < data.count(); i++) checkInside(data.base(i), data.lengthBytes(i), round);
        if (data.count() != 0) assertEquals(request.lengthBytes(), data.totalBytes());
    }

    private void checkInside(long address, long lengthBytes, int round) {
        long start = guest.host(GuestRing.GPA);
        boolean inside = lengthBytes > 0 && address >= start && address + lengthBytes <= start + guest.sizeBytes();
        if (!inside) Assertions.fail("outside: round " + round + ", seed " + SEED);
    }

    /** Fresh garbage in table and memory, of the kind that gets past the first check. */
    private void scribble() {
        for (int i = 0; i < 64; i++) scribbleWord();
        boolean orderly = random.nextBoolean();
        for (int i = 0; i < SIZE; i++) describe(guest.tableGpa() + 16L * i, orderly, i + 1);
        for (int table = random.nextInt(3); table > 0; table--) {
            long at = anywhere();
            for (int i = 0; i < 32 && at + 16 * i + 16 <= GuestRing.GPA + guest.sizeBytes(); i++) {
                describe(at + 16L * i, orderly, i + 1);
            }
        }
        if (random.nextInt(200) == 0) describeHugeTable();
    }

    /** One chain of more descriptors than accepted, which no table of random ones ever is. */
    private void describeHugeTable() {
        long at = GuestRing.GPA + guest.sizeBytes() - 16 * 1100;
        for (int i = 0; i < 1100; i++) {
            Memory.putLong(guest.host(at) + 16 * i, GuestRing.GPA);
            Memory.putLong(guest.host(at) + 16 * i + 8, 1L | 1L << 32 | (long) (i + 1) << 48);
        }
        for (int i = 0; i < SIZE; i++) {
            Memory.putLong(guest.host(guest.tableGpa()) + 16 * i, at);
            Memory.putLong(guest.host(guest.tableGpa()) + 16 * i + 8, 16L * 1100 | 4L << 32);
        }
    }

    private void scribbleSome(int words) {
        for (int i = 0; i < words; i++) scribbleWord();
    }

    /** A little number at any place: often a request's type, and a sector within the device. */
    private void scribbleWord() {
        long at = anywhere() & -8;
        Memory.putLong(guest.host(at), random.nextInt(8) == 0 ? random.nextLong() : random.nextLong(16));
    }

    private long anywhere() {
        return GuestRing.GPA + random.nextLong(guest.sizeBytes() - 16);
    }

    private void describe(long at, boolean orderly, int nextInTable) {
        long gpa = random.nextInt(80) == 0 ? random.nextLong() : anywhere() & (random.nextBoolean() ? -1 : -16);
        long length = switch (random.nextInt(16)) {
            case 0 -> random.nextLong(0x1_0000_0000L);
            case 1 -> 0;
            case 2, 3 -> 1;
            case 4, 5, 6 -> 512L * random.nextInt(1, 9);
            case 7 -> random.nextInt(600);
            default -> 16;
        };
        int flags = switch (random.nextInt(16)) {
            case 0 -> random.nextInt(8);
            case 1, 2 -> 4;
            case 3, 4, 5 -> 2;
            case 6 -> 3;
            default -> 1;
        };
        if (flags == 4 && random.nextInt(3) != 0) length = 16L * random.nextInt(1, 33);
        int next = orderly ? nextInTable : random.nextInt(random.nextInt(30) == 0 ? 0x10000 : SIZE);
        Memory.putLong(guest.host(at), gpa);
        Memory.putLong(guest.host(at) + 8, length | (long) flags << 32 | (long) next << 48);
    }
}
