package io.vireo.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written down of requests in flight, and how a device goes on with it wherever the one before has died. */
class InflightTest {
    private static final long SPLIT = VirtqueueLayout.F_VERSION_1;
    private static final long PACKED = SPLIT | VirtqueueLayout.F_RING_PACKED;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final int GARBAGE = 3_000 * Integer.getInteger("vireo.soak", 1);
    private static final int SIZE = 8;

    private final DriverMemory memory = DriverMemory.create(1 << 20);
    private final GuestMemory guest = GuestMemory.of(memory.regions().stream()
            .map(region -> new MemoryRegion(region.gpa(), region.userAddress(), region.sizeBytes(), region.userAddress(),
                    SharedMapping.of(() -> {})))
            .toList());
    private final NativeBlock block = NativeBlock.allocate(RingFormat.PACKED.inflightBytes(SIZE), 64);
    private final SharedMapping mapping = SharedMapping.of(() -> {});
    private final InflightArea area = new InflightArea(block.address(), SIZE, mapping);
    private final Chain chain = new Chain(SIZE);
    private DriverVirtqueue driver;
    private long features;

    @AfterEach
    void close() {
        block.close();
        memory.close();
    }

    private void begin(long negotiated) {
        features = negotiated;
        driver = DriverVirtqueue.of(memory, SIZE, features, 4);
        Memory.zero(block.address(), RingFormat.PACKED.inflightBytes(SIZE));
    }

    private Virtqueue device(int base, InflightArea tracked) {
        VirtqueueAreas areas =
                new VirtqueueAreas(driver.descriptorAddress(), driver.driverAddress(), driver.deviceAddress());
        return Virtqueue.of(0, SIZE, areas, base, features, null, tracked);
    }

    private Virtqueue device() {
        return device(RingFormat.of(features).newBase(), area);
    }

    /** Sends a chain of that many buffers; the driver knows it by the token. */
    private void send(int token, int buffers) {
        driver.begin();
        for (int i = 0; i < buffers; i++) driver.add(DriverMemory.GPA_BASE, 16, i == buffers - 1);
        assertTrue(driver.commit(token));
        driver.publish();
    }

    private int[] take(Virtqueue device, int count) {
        int[] ids = new int[count];
        for (int i = 0; i < count; i++) {
            assertTrue(device.poll(guest, chain));
            ids[i] = chain.id();
        }
        return ids;
    }

    private static void use(Virtqueue device, int... ids) {
        for (int id : ids) device.pushUsed(id, 16);
        device.publishUsed();
    }

    private List<Integer> reaped() {
        List<Integer> tokens = new ArrayList<>();
        for (int token; (token = driver.reap()) >= 0; ) tokens.add(token);
        return tokens;
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, PACKED})
    @Tag("vhost-user-INFLIGHT/fresh")
    void losesNothingOfARingThatRanBeforeItWasTracked(long negotiated) {
        begin(negotiated);
        Virtqueue untracked = device(RingFormat.of(features).newBase(), null);
        for (int i = 0; i < 3; i++) {
            send(i, 1);
            use(untracked, take(untracked, 1));
        }
        assertEquals(List.of(0, 1, 2), reaped());
        Virtqueue first = device(untracked.base(), area);
        assertEquals(0, first.resubmits());
        send(7, 2);
        take(first, 1);

        Virtqueue second = device();
        assertEquals(1, second.resubmits());
        use(second, take(second, 1));
        assertEquals(List.of(7), reaped());
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, PACKED})
    @Tag("vhost-user-INFLIGHT/order")
    void takesWhatWasInFlightOnceMoreInItsOrderAndThenWhatIsNew(long negotiated) {
        begin(negotiated);
        Virtqueue first = device();
        for (int i = 0; i < 4; i++) send(i, 1 + i % 2);
        int[] ids = take(first, 4);
        use(first, ids[0], ids[2]);
        assertEquals(List.of(0, 2), reaped());
        send(4, 1);
        send(5, 1);
        int[] more = take(first, 1);

        Virtqueue second = device();
        assertEquals(3, second.resubmits());
        assertTrue(second.hasAvailable());
        int[] again = take(second, 3);
        assertEquals(List.of(ids[1], ids[3], more[0]), Arrays.stream(again).boxed().toList());
        assertEquals(0, second.resubmits());
        use(second, again[2], again[1], again[0]);
        use(second, take(second, 1));
        assertFalse(second.poll(guest, chain));
        assertEquals(List.of(4, 3, 1, 5), reaped());
        assertEquals(0, device().resubmits());
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT | VirtqueueLayout.F_IN_ORDER, PACKED | VirtqueueLayout.F_IN_ORDER})
    @Tag("vhost-user-INFLIGHT/order")
    void keepsInFlightWhatIsDoneAndWaitsForItsTurn(long negotiated) {
        begin(negotiated);
        Virtqueue first = device();
        for (int i = 0; i < 3; i++) send(i, 1);
        int[] ids = take(first, 3);
        use(first, ids[2], ids[1]);
        assertEquals(List.of(), reaped());

        Virtqueue second = device();
        int[] again = take(second, 3);
        use(second, again[1], again[2]);
        assertEquals(List.of(), reaped());
        use(second, again[0]);
        assertEquals(List.of(0, 1, 2), reaped());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
    @Tag("vhost-user-INFLIGHT/split")
    void finishesTheBatchOfASplitVirtqueueThatDiedAfterAnyOfItsStores(int stores) {
        begin(SPLIT);
        // An earlier batch, whose links are not to be taken for this one's.
        Virtqueue before = device();
        for (int i = 0; i < 3; i++) send(i, 1);
        use(before, take(before, 3));
        reaped();
        for (int i = 0; i < 3; i++) send(10 + i, 2);
        int[] ids = take(before, 3);
        SplitInflight dying = new SplitInflight(area, SIZE, 3);
        long used = driver.deviceAddress();
        List<Runnable> all = List.of(
                () -> dying.link(ids[2]),
                () -> dying.link(ids[0]),
                dying::linked,
                () -> {
                    Memory.putLong(used + VirtqueueLayout.USED_RING + 8 * 3, ids[2] | 16L << 32);
                    Memory.putLong(used + VirtqueueLayout.USED_RING + 8 * 4, ids[0] | 16L << 32);
                    Memory.putU16Release(used + VirtqueueLayout.USED_IDX, 5);
                },
                () -> dying.clear(ids[2]),
                () -> dying.clear(ids[0]),
                () -> dying.cleared(5));
        for (int i = 0; i < stores; i++) all.get(i).run();

        boolean shown = stores >= 4;
        assertEquals(shown ? List.of(12, 10) : List.of(), reaped());
        judgeTheNext(shown ? List.of(ids[1]) : List.of(ids[0], ids[1], ids[2]), shown ? List.of(11) : List.of(12, 11, 10));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8})
    @Tag("vhost-user-INFLIGHT/packed")
    void finishesTheBatchOfAPackedVirtqueueThatDiedAfterAnyOfItsStores(int stores) {
        begin(PACKED);
        Virtqueue before = device();
        for (int i = 0; i < 3; i++) send(i, 1);
        use(before, take(before, 3));
        reaped();
        // Behind the ring's end, where the wrap counter changes: chains of two descriptors at 3, 5 and 7.
        for (int i = 0; i < 2; i++) send(10 + i, 2);
        int[] ids = take(before, 2);
        PackedInflight dying = new PackedInflight(area, SIZE, driver.descriptorAddress(), 0, true);
        List<Runnable> all = List.of(
                () -> dying.free(ids[1]),
                () -> dying.free(ids[0]),
                () -> dying.freed(7, true),
                () -> writeUsed(5, ids[0]),
                () -> writeUsed(3, ids[1]),
                () -> dying.clear(ids[1]),
                () -> dying.clear(ids[0]),
                () -> dying.cleared(7, true));
        for (int i = 0; i < stores; i++) all.get(i).run();

        boolean shown = stores >= 5;
        assertEquals(shown ? List.of(11, 10) : List.of(), reaped());
        judgeTheNext(shown ? List.of() : List.of(ids[0], ids[1]), shown ? List.of() : List.of(11, 10));
    }

    private void writeUsed(int offset, int id) {
        long at = driver.descriptorAddress() + 16L * offset;
        Memory.putInt(at + PackedLayout.DESC_LEN, 16);
        Memory.putU16(at + PackedLayout.DESC_ID, id);
        Memory.putU16Release(at + PackedLayout.DESC_FLAGS,
                PackedLayout.DESC_F_AVAIL | PackedLayout.DESC_F_USED | VirtqueueLayout.DESC_F_WRITE);
    }

    /** The next device takes these chains, uses the last one first and by itself, and goes on with what is sent then. */
    private void judgeTheNext(List<Integer> ids, List<Integer> tokens) {
        Virtqueue next = device();
        assertEquals(ids.size(), next.resubmits());
        int[] again = take(next, ids.size());
        assertEquals(ids, Arrays.stream(again).boxed().toList());
        List<Integer> seen = new ArrayList<>();
        for (int i = again.length - 1; i >= 0; i--) {
            use(next, again[i]);
            seen.addAll(reaped());
            assertEquals(again.length - i, seen.size(), "used more than was used");
        }
        assertEquals(tokens, seen);
        for (int i = 0; i < 3 * SIZE; i++) {
            send(i, 1 + i % 3);
            use(next, take(next, 1));
            assertEquals(List.of(i), reaped());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, PACKED})
    @Tag("vhost-user-INFLIGHT/hostile")
    void believesNothingThatCannotBe(long negotiated) {
        System.out.println("InflightTest -Dvireo.seed=" + SEED);
        Random random = new Random(SEED);
        Set<Fault> faults = new HashSet<>();
        int taken = 0;
        for (int i = 0; i < GARBAGE; i++) {
            begin(negotiated);
            if (random.nextBoolean()) garble(random);
            else corrupt(random);
            try {
                Virtqueue device = device();
                while (device.resubmits() > 0 && device.poll(guest, chain)) {
                    use(device, chain.id());
                    taken++;
                }
                assertTrue(device.inFlight() <= SIZE);
            } catch (VirtqueueBroken e) {
                faults.add(e.fault());
            }
        }
        assertTrue(faults.containsAll(Set.of(Fault.INFLIGHT_VERSION, Fault.INFLIGHT_SIZE, Fault.INFLIGHT_INDEX)), faults::toString);
        assertTrue(taken > 0, "nothing was ever gone on with");
    }

    private void garble(Random random) {
        byte[] bytes = new byte[(int) RingFormat.PACKED.inflightBytes(SIZE)];
        random.nextBytes(bytes);
        // Mostly small numbers, with which one gets further.
        for (int j = 0; j < bytes.length; j++) {
            if (random.nextInt(8) != 0) bytes[j] = (byte) (j % 2 == 0 ? bytes[j] & SIZE - 1 : 0);
        }
        Memory.copy(bytes, 0, block.address(), bytes.length);
        Memory.putU16(block.address() + InflightLayout.VERSION, random.nextInt(50) == 0 ? 2 : 1);
        Memory.putU16(block.address() + InflightLayout.DESC_NUM, random.nextInt(50) == 0 ? 2 * SIZE : SIZE);
        if (features == SPLIT) Memory.putU16(driver.deviceAddress() + VirtqueueLayout.USED_IDX, random.nextInt(SIZE));
    }

    /** Some bytes of what a device has left, with chains in flight. */
    private void corrupt(Random random) {
        Virtqueue before = device();
        for (int i = 0; i < 3; i++) send(i, 1 + i);
        use(before, take(before, 3)[1]);
        for (int i = random.nextInt(4); i > 0; i--) {
            long at = block.address() + random.nextInt((int) RingFormat.of(features).inflightBytes(SIZE));
            Memory.putU8(at, random.nextBoolean() ? random.nextInt(SIZE) : random.nextInt(256));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, PACKED})
    void keepsItsMemoryMappedUntilItIsClosed(long negotiated) {
        begin(negotiated);
        Virtqueue device = device();
        assertTrue(device.isTracked());
        assertEquals(2, mapping.holds());
        device.close();
        assertEquals(1, mapping.holds());
        Memory.putU16(block.address() + InflightLayout.VERSION, 3);
        assertThrows(VirtqueueBroken.class, this::device);
        assertEquals(1, mapping.holds());
    }
}
