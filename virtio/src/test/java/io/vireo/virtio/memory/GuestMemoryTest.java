package io.vireo.virtio.memory;

import static io.vireo.virtio.memory.GuestMemory.FAULT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.IoVec;
import io.vireo.posix.NativeBlock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

class GuestMemoryTest {
    private static final long MIB = 1 << 20;

    private final AtomicInteger unmapped = new AtomicInteger();

    /** Addresses only: nothing here touches the memory. */
    private MemoryRegion region(long gpa, long sizeBytes, long host) {
        SharedMapping mapping = SharedMapping.of(unmapped::incrementAndGet);
        return new MemoryRegion(gpa, 0x7000_0000_0000L + gpa, sizeBytes, host, mapping);
    }

    private GuestMemory low640KAndHigh2G() {
        return GuestMemory.of(List.of(
                region(0x1_0000_0000L, 1L << 30, 0x5_0000_0000L),
                region(0, 640 << 10, 0x1_0000_0000L),
                region(MIB, (2L << 30) - MIB, 0x2_0000_0000L)));
    }

    @Test
    void translatesTheFirstAndTheLastByteOfEachRegion() {
        GuestMemory memory = low640KAndHigh2G();
        assertEquals(0x1_0000_0000L, memory.translate(0, 640 << 10));
        assertEquals(0x1_0000_0000L + (640 << 10) - 1, memory.translate((640 << 10) - 1, 1));
        assertEquals(0x2_0000_0000L, memory.translate(MIB, 1));
        assertEquals(0x2_0000_0000L + (2L << 30) - MIB - 1, memory.translate((2L << 30) - 1, 1));
        assertEquals(0x5_0000_0000L + (1L << 30) - 1, memory.translate(0x1_4000_0000L - 1, 1));
    }

    @Test
    void faultsOnAByteMoreThanARegionHas() {
        GuestMemory memory = low640KAndHigh2G();
        assertEquals(FAULT, memory.translate(0, (640 << 10) + 1));
        assertEquals(FAULT, memory.translate(640 << 10, 1));
        assertEquals(FAULT, memory.translate(MIB - 1, 2));
        assertEquals(FAULT, memory.translate((2L << 30) - 1, 2));
        assertEquals(FAULT, memory.translate(0x1_4000_0000L, 1));
        assertEquals(FAULT, memory.translate(0xFFFF_FFFFL, 1));
    }

    @Test
    void faultsOnNumbersChosenToOverflow() {
        GuestMemory memory = low640KAndHigh2G();
        for (long gpa : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, -4096, 0x8000_0000_0000_0000L + MIB}) {
            for (long length : new long[] {1, 4096, 0xFFFF_FFFFL, Long.MAX_VALUE}) {
                assertEquals(FAULT, memory.translate(gpa, length), () -> Long.toHexString(gpa));
                assertEquals(FAULT, memory.translateUser(gpa, length), () -> Long.toHexString(gpa));
            }
        }
        assertEquals(FAULT, memory.translate(MIB, Long.MAX_VALUE));
        assertEquals(FAULT, memory.translate(MIB, -1));
        assertEquals(FAULT, memory.translate(MIB, Long.MIN_VALUE));
        assertEquals(FAULT, memory.translate(MIB, 0));
    }

    @Test
    void translatesARegionAtTheVeryTopOfTheAddressSpace() {
        GuestMemory memory = GuestMemory.of(List.of(
                new MemoryRegion(-4096, -8192, 4096, 0x1000, SharedMapping.of(() -> {}))));
        assertEquals(0x1000 + 4095, memory.translate(-1, 1));
        assertEquals(FAULT, memory.translate(-1, 2));
        assertEquals(FAULT, memory.translate(-4097, 1));
        assertEquals(FAULT, memory.translate(0, 1));
        assertEquals(0x1000, memory.translateUser(-8192, 4096));
    }

    @Test
    void knowsUserAddressesApartFromGuestPhysicalOnes() {
        GuestMemory memory = low640KAndHigh2G();
        assertEquals(0x2_0000_0000L + 16, memory.translateUser(0x7000_0000_0000L + MIB + 16, 4096));
        assertEquals(FAULT, memory.translateUser(MIB, 1));
        assertEquals(FAULT, memory.translate(0x7000_0000_0000L + MIB, 1));
        assertEquals(FAULT, memory.translateUser(0x7000_0000_0000L + (640 << 10) - 1, 2));
    }

    @Test
    void agreesWithALookAtEveryRegionWhateverTheTable() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("GuestMemoryTest seed " + seed + " (-Dvireo.seed)");
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        for (int round = 0; round < 200; round++) {
            List<MemoryRegion> regions = new ArrayList<>();
            long gpa = random.nextInt(3) == 0 ? 0 : random.nextLong(1L << 40);
            for (int i = random.nextInt(40); i > 0; i--) {
                long size = 4096L * random.nextInt(1, 64);
                regions.add(region(gpa, size, 4096 * random.nextLong(1, 1L << 32)));
                gpa += size + (random.nextBoolean() ? 0 : 4096L * random.nextInt(64));
            }
            GuestMemory memory = GuestMemory.of(regions);
            for (int k = 0; k < 500; k++) {
                long at = regions.isEmpty() || random.nextInt(20) == 0
                        ? random.nextLong()
                        : regions.get(random.nextInt(regions.size())).gpa() + random.nextLong(-4096, 65 * 4096);
                long length = random.nextLong(1, 3 * 4096);
                long expected = FAULT;
                for (MemoryRegion r : regions) {
                    boolean inside = at >= r.gpa() && at + length <= r.gpa() + r.sizeBytes();
                    if (inside) expected = r.hostAddress() + at - r.gpa();
                }
                assertEquals(expected, memory.translate(at, length), "seed " + seed);
            }
        }
    }

    @Test
    void gathersABufferOverAdjacentRegionsInOrder() {
        GuestMemory memory = GuestMemory.of(List.of(
                region(0x1000, 0x1000, 0x10_0000),
                region(0x2000, 0x1000, 0x50_0000),
                region(0x3000, 0x1000, 0x20_0000)));
        try (NativeBlock block = NativeBlock.allocate(64, 16); IoVec out = new IoVec(block.address(), 4, 4)) {
            assertTrue(memory.gather(0x1800, 0x2000, out));
            assertEquals(3, out.count());
            assertEquals(0x10_0800, out.base(0));
            assertEquals(0x800, out.lengthBytes(0));
            assertEquals(0x50_0000, out.base(1));
            assertEquals(0x1000, out.lengthBytes(1));
            assertEquals(0x20_0000, out.base(2));
            assertEquals(0x800, out.lengthBytes(2));
        }
    }

    @Test
    void refusesToGatherOverAHoleOrIntoAFullVector() {
        GuestMemory memory = GuestMemory.of(
                List.of(region(0x1000, 0x1000, 0x10_0000), region(0x2000, 0x1000, 0x50_0000)));
        try (NativeBlock block = NativeBlock.allocate(64, 16); IoVec out = new IoVec(block.address(), 1, 1)) {
            assertFalse(memory.gather(0x2800, 0x1000, out));
            out.clear();
            assertFalse(memory.gather(0x1800, 0x1000, out));
            out.clear();
            assertFalse(memory.gather(0x1000, -1, out));
            assertEquals(0, out.count());
        }
    }

    @Test
    void refusesRegionsThatOverlapEvenByAByte() {
        assertThrows(IllegalArgumentException.class,
                () -> GuestMemory.of(List.of(region(0x1000, 0x1001, 0x10_0000), region(0x2000, 0x1000, 0x50_0000))));
        assertThrows(IllegalArgumentException.class,
                () -> GuestMemory.of(List.of(region(0x1000, 0x1000, 0x10_0000), region(0x1000, 0x1000, 0x50_0000))));
        assertThrows(IllegalArgumentException.class,
                () -> GuestMemory.of(List.of(region(-0x2000, 0x1001, 0x10_0000), region(-0x1000, 0x1000, 0x50_0000))));
    }

    @Test
    void refusesRegionsThatAreEmptyOrWrap() {
        assertThrows(IllegalArgumentException.class, () -> region(0, 0, 0x1000));
        assertThrows(IllegalArgumentException.class, () -> region(0, -4096, 0x1000));
        assertThrows(IllegalArgumentException.class, () -> region(-4096, 4097, 0x1000));
        assertThrows(IllegalArgumentException.class, () -> region(0, 4096, 0));
        assertThrows(IllegalArgumentException.class, () -> region(0, 4096, Long.MAX_VALUE - 4095));
        assertThrows(IllegalArgumentException.class,
                () -> new MemoryRegion(0, -1, 2, 0x1000, SharedMapping.of(() -> {})));
    }

    @Test
    void refusesMoreRegionsThanAnyFrontEndHas() {
        List<MemoryRegion> regions = new ArrayList<>();
        for (int i = 0; i < GuestMemory.REGIONS_MAX; i++) regions.add(region(4096L * i, 4096, 4096L * (i + 1)));
        assertEquals(4096L * 512 + 7, GuestMemory.of(regions).translate(4096L * 511 + 7, 1));
        regions.add(region(4096L * 600, 4096, 4096));
        assertThrows(IllegalArgumentException.class, () -> GuestMemory.of(regions));
    }

    @Test
    void faultsOnEverythingWithoutRegions() {
        GuestMemory memory = GuestMemory.of(List.of());
        assertEquals(FAULT, memory.translate(0, 1));
        assertEquals(FAULT, memory.translateUser(0, 1));
        assertEquals(0, memory.contiguousBytes(0));
    }

    @Test
    void keepsASharedMappingUntilTheLastGenerationLetsGo() {
        GuestMemory first = GuestMemory.of(List.of(region(0x1000, 0x1000, 0x10_0000)));
        GuestMemory second = first.withRegion(region(0x2000, 0x1000, 0x50_0000));
        GuestMemory third = second.withoutRegion(0x1000, 0x7000_0000_1000L, 0x1000);

        assertEquals(FAULT, first.translate(0x2000, 1));
        assertEquals(0x50_0000, second.translate(0x2000, 1));
        assertEquals(FAULT, third.translate(0x1000, 1));

        first.release();
        assertEquals(0, unmapped.get(), "the second generation has the first region");
        second.release();
        assertEquals(1, unmapped.get(), "only the third generation's region is left");
        third.release();
        assertEquals(2, unmapped.get());
    }

    @Test
    void letsGoOnlyOnce() {
        GuestMemory first = GuestMemory.of(List.of(region(0x1000, 0x1000, 0x10_0000)));
        GuestMemory second = first.withRegion(region(0x2000, 0x1000, 0x50_0000));
        first.release();
        first.release();
        assertEquals(0, unmapped.get());
        second.release();
        assertEquals(2, unmapped.get());
    }

    @Test
    void changesNoHoldWhenTheNextGenerationIsRefused() {
        GuestMemory memory = GuestMemory.of(List.of(region(0x1000, 0x1000, 0x10_0000)));
        SharedMapping mapping = memory.regions().getFirst().mapping();
        assertThrows(IllegalArgumentException.class, () -> memory.withRegion(region(0x1800, 0x1000, 0x50_0000)));
        assertThrows(IllegalArgumentException.class, () -> memory.withoutRegion(0x1000, 0x1000, 0x1000));
        assertThrows(IllegalArgumentException.class, () -> memory.withoutRegion(0x1000, 0x7000_0000_1000L, 0x800));
        assertEquals(1, mapping.holds());
    }
}
