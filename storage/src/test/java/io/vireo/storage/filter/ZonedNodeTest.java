package io.vireo.storage.filter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.Operation;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;
import io.vireo.storage.nullco.NullNode;
import io.vireo.storage.ram.RamNode;
import io.vireo.storage.raw.RawNode;
import io.vireo.storage.zone.ZoneErrno;
import io.vireo.storage.zone.ZoneLimits;
import io.vireo.storage.zone.ZoneModel;
import io.vireo.storage.zone.Zones;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ZonedNodeTest {
    private static final int ZONE = 1 << 20;
    private static final int BLOCK = 4096;

    private final TestLoop loop = new TestLoop();
    private final TestRequest r = loop.own(new TestRequest(8 * ZONE));

    @AfterEach
    void close() {
        loop.close();
    }

    private static ZonedNode ram(ZoneModel model, boolean readOnly) {
        RamNode ram = new RamNode("z", 8 * ZONE, readOnly, true);
        ZoneLimits limits = new ZoneLimits(model, ZONE, ZONE, 1, 2, 3, 65536, 512);
        return new ZonedNode(ram, new Zones(limits, ram.sizeBytes(), ram::zero));
    }

    private NodeChannel open(ZonedNode node) {
        loop.own(node);
        return loop.own(node.open(loop));
    }

    private int run(NodeChannel channel) {
        channel.submit(r.request);
        loop.runUntil(r::isDone);
        return r.errno;
    }

    private int write(NodeChannel channel, long offset, int length, int value) {
        r.whole(length).fill(value);
        r.request.write(offset, r.data, false);
        return run(channel);
    }

    private byte[] read(NodeChannel channel, long offset, int length) {
        r.whole(length).fill(0x5A);
        r.request.read(offset, r.data);
        assertEquals(0, run(channel));
        return r.bytes();
    }

    private static byte[] of(int length, int value) {
        byte[] bytes = new byte[length];
        java.util.Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/append")
    void appendsWhereTheWritePointerIs() {
        NodeChannel channel = open(ram(ZoneModel.HOST_MANAGED, false));
        for (int i = 0; i < 3; i++) {
            r.whole(BLOCK).fill(0x10 + i);
            r.request.zoneAppend(2 * ZONE, r.data, i == 1);
            assertEquals(0, run(channel));
            assertEquals(2 * ZONE + (long) i * BLOCK, r.request.answer());
        }
        for (int i = 0; i < 3; i++) assertArrayEquals(of(BLOCK, 0x10 + i), read(channel, 2 * ZONE + (long) i * BLOCK, BLOCK));
        assertEquals(0, write(channel, 2 * ZONE + 3L * BLOCK, BLOCK, 9), "the write pointer has moved");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/unwritten-data")
    void readsZeroesBehindTheWritePointerAlsoAfterAReset() {
        NodeChannel channel = open(ram(ZoneModel.HOST_MANAGED, false));
        assertArrayEquals(new byte[BLOCK], read(channel, 3 * ZONE, BLOCK));
        assertEquals(0, write(channel, 3 * ZONE, 2 * BLOCK, 0x77));
        byte[] both = read(channel, 3 * ZONE + BLOCK, 2 * BLOCK);
        assertEquals(0x77, both[BLOCK - 1]);
        assertEquals(0, both[BLOCK]);
        r.whole(0).request.zone(Operation.ZONE_RESET, 3 * ZONE);
        assertEquals(0, run(channel));
        assertArrayEquals(new byte[2 * BLOCK], read(channel, 3 * ZONE, 2 * BLOCK));
        r.whole(0).request.zone(Operation.ZONE_FINISH, 3 * ZONE);
        assertEquals(0, run(channel));
        assertArrayEquals(new byte[BLOCK], read(channel, 4 * ZONE - BLOCK, BLOCK));
    }

    @Test
    void judgesWritesOfZeroesAsWrites() {
        NodeChannel channel = open(ram(ZoneModel.HOST_MANAGED, false));
        r.whole(0).request.writeZeroes(ZONE + BLOCK, BLOCK, true, false);
        assertEquals(ZoneErrno.UNALIGNED_WRITE_POINTER, run(channel));
        r.whole(0).request.writeZeroes(ZONE, BLOCK, true, false);
        assertEquals(0, run(channel));
        assertEquals(0, write(channel, ZONE + BLOCK, BLOCK, 1));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/secure-erase-zones")
    void erasesZonesForGoodAndDiscardsNoneThatAreHostManaged() {
        ZonedNode node = ram(ZoneModel.HOST_MANAGED, false);
        NodeChannel channel = open(node);
        assertFalse(node.limits().discard().supported());
        write(channel, ZONE, BLOCK, 0x33);
        r.whole(0).request.discard(ZONE, BLOCK, false);
        assertEquals(Errno.EOPNOTSUPP, run(channel));
        r.whole(0).request.secureErase(ZONE, BLOCK);
        assertEquals(ZoneErrno.INVALID_COMMAND, run(channel));
        r.whole(0).request.secureErase(ZONE, ZONE);
        assertEquals(0, run(channel));
        assertArrayEquals(new byte[BLOCK], read(channel, ZONE, BLOCK));
        assertEquals(0, write(channel, ZONE, BLOCK, 1), "from its start again");
        assertTrue(ram(ZoneModel.HOST_AWARE, false).limits().discard().supported());
    }

    @Test
    void changesNothingOfAReadOnlyDisk() {
        NodeChannel channel = open(ram(ZoneModel.HOST_MANAGED, true));
        assertEquals(Errno.EROFS, write(channel, ZONE, BLOCK, 1));
        for (Operation operation : List.of(Operation.ZONE_OPEN, Operation.ZONE_CLOSE, Operation.ZONE_FINISH,
                Operation.ZONE_RESET, Operation.ZONE_RESET_ALL)) {
            r.whole(0).request.zone(operation, ZONE);
            assertEquals(Errno.EROFS, run(channel), operation.name());
        }
        r.whole(BLOCK);
        r.request.zoneAppend(ZONE, r.data, false);
        assertEquals(Errno.EROFS, run(channel));
        List<String> states = new ArrayList<>();
        r.whole(0).request.zoneReport(0, (_, _, _, _, state) -> states.add(state.name()));
        assertEquals(0, run(channel));
        assertEquals(8, states.size());
    }

    @Test
    void takesAsLongForAZoneAsForARequest() {
        NullNode none = new NullNode("z", new NullNode.Options(8 * ZONE, false, false, 1000));
        ZoneLimits limits = new ZoneLimits(ZoneModel.HOST_MANAGED, ZONE, ZONE, 0, 0, 0, 0, 512);
        loop.freeze();
        NodeChannel channel = open(new ZonedNode(none, new Zones(limits, none.sizeBytes(), (_, _) -> {})));
        r.whole(0).request.zone(Operation.ZONE_OPEN, ZONE);
        channel.submit(r.request);
        assertFalse(r.isDone());
        loop.advance(1000);
        loop.turn();
        assertEquals(0, r.errno);
    }

    @Test
    void aNodeWithoutZonesHasNoOperationsOnThem() throws Exception {
        try (RamNode ram = new RamNode("r", 8 * ZONE, false); NodeChannel channel = ram.open(loop)) {
            for (Operation operation : List.of(Operation.ZONE_OPEN, Operation.ZONE_RESET_ALL, Operation.ZONE_REPORT)) {
                r.whole(0).request.zone(operation, 0);
                assertEquals(Errno.EOPNOTSUPP, run(channel));
            }
            r.whole(BLOCK);
            r.request.zoneAppend(0, r.data, false);
            assertEquals(Errno.EOPNOTSUPP, run(channel));
            r.whole(0).request.secureErase(0, BLOCK);
            assertEquals(Errno.EOPNOTSUPP, run(channel));
            r.whole(0).request.lifetime();
            assertEquals(Errno.EOPNOTSUPP, run(channel));
        }
    }

    @Test
    void isWindowedOnlyAsAWhole() throws Exception {
        ZonedNode node = ram(ZoneModel.HOST_AWARE, false);
        ImageException e = assertThrows(ImageException.class, () -> RawNode.window("w", node, ZONE, -1));
        assertTrue(e.getMessage().contains("zoned"), e.getMessage());
        RawNode.window("w", node, 0, 8 * ZONE).close();
    }
}
