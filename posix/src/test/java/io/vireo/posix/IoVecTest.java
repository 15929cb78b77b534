package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class IoVecTest {
    private record Entry(long base, long lengthBytes) {}

    @Test
    void advancesAnywhereAndRewindsToAllOfIt() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("IoVecTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        try (NativeBlock block = NativeBlock.allocate(2 * IoVec.ENTRY_BYTES, 8);
                IoVec data = new IoVec(block.address(), 2, 40)) {
            for (int round = 0; round < 1000; round++) {
                data.clear();
                List<Entry> added = new ArrayList<>();
                long total = 0;
                for (int i = random.nextInt(1, 6); i > 0; i--) {
                    Entry entry = new Entry(random.nextLong(1 << 30), random.nextLong(1, 100));
                    data.add(entry.base, entry.lengthBytes);
                    added.add(entry);
                    total += entry.lengthBytes;
                }
                long passed = 0;
                while (passed < total && random.nextInt(4) > 0) {
                    long step = random.nextLong(1, total - passed + 1);
                    data.advance(step);
                    passed += step;
                    assertEquals(rest(added, passed), entries(data), "seed " + seed);
                    assertEquals(total - passed, data.totalBytes());
                }
                data.rewind();
                assertEquals(added, entries(data), "seed " + seed);
                assertEquals(total, data.totalBytes());
            }
        }
    }

    @Test
    void refusesToPassMoreThanThereIs() {
        try (NativeBlock block = NativeBlock.allocate(IoVec.ENTRY_BYTES, 8);
                IoVec data = new IoVec(block.address(), 1, 1)) {
            data.add(4096, 10);
            data.advance(4);
            assertThrows(IllegalArgumentException.class, () -> data.advance(7));
            data.advance(6);
            assertEquals(0, data.count());
        }
    }

    private static List<Entry> entries(IoVec data) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < data.count(); i++) {
            assertEquals(data.base(i), Memory.getLong(data.address() + (long) i * IoVec.ENTRY_BYTES), "as the kernel sees it");
            entries.add(new Entry(data.base(i), data.lengthBytes(i)));
        }
        return entries;
    }

    private static List<Entry> rest(List<Entry> all, long passedBytes) {
        List<Entry> rest = new ArrayList<>();
        long toPass = passedBytes;
        for (Entry entry : all) {
            long cut = Math.min(toPass, entry.lengthBytes);
            toPass -= cut;
            if (cut < entry.lengthBytes) rest.add(new Entry(entry.base + cut, entry.lengthBytes - cut));
        }
        return rest;
    }
}
