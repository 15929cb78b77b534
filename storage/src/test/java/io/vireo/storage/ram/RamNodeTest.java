package io.vireo.storage.ram;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.BlockNodeContract;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class RamNodeTest {
    private static final int DISK_BYTES = 64 << 20;

    @Nested
    class Contract extends BlockNodeContract {
        @Override
        protected void equip(TestLoop loop) {}

        @Override
        protected BlockNode openNode(boolean readOnly) {
            return new RamNode("r0", SIZE_BYTES, readOnly);
        }

        @Override
        protected boolean outlivesItself() {
            return false;
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/discard-deallocates")
    void givesMemoryBackWhenItIsDiscardedOrClosed() throws Exception {
        long before = anonymousBytes();
        try (RamNode node = new RamNode("r0", DISK_BYTES, false);
                TestLoop loop = new TestLoop();
                NodeChannel channel = node.open(loop);
                TestRequest r = new TestRequest(1 << 20).whole(1 << 20)) {
            assertTrue(anonymousBytes() - before < DISK_BYTES / 2, "taken before it is written");
            for (int at = 0; at < DISK_BYTES; at += 1 << 20) channel.submit(r.request.write(at, r.data, false));
            assertTrue(anonymousBytes() - before > DISK_BYTES / 2, "not really there");
            channel.submit(r.request.discard(512, DISK_BYTES - 1024, false));
            assertEquals(0, r.errno);
            assertTrue(anonymousBytes() - before < DISK_BYTES / 2, "discarded and kept");
        }
    }

    @Test
    void refusesASizeThatIsNoNumberOfSectors() {
        assertThrows(IllegalArgumentException.class, () -> new RamNode("r0", 0, false));
        assertThrows(IllegalArgumentException.class, () -> new RamNode("r0", 513, false));
    }

    private static long anonymousBytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("RssAnon:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .findFirst().orElseThrow();
    }
}
