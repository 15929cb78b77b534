package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.EventFd;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A device without I/O that writes down what it is asked and insists on the order the interface promises. */
final class RecordingBackend implements VhostUserBackend {
    static final long FEATURES = VirtqueueLayout.F_VERSION_1 | VirtqueueLayout.RING_F_EVENT_IDX | 1L << 9;
    static final int QUEUES = 4;
    static final int CONFIG_BYTES = 60;
    static final int WRITABLE_OFFSET = 32;

    /** What was to become of failed requests, stop by stop. */
    final List<Failed> ends = new ArrayList<>();
    final List<String> calls = new ArrayList<>();
    final VringSetup[] running = new VringSetup[QUEUES];
    final VirtqueueAreas[] rings = new VirtqueueAreas[QUEUES];
    final UsedLog[] usedLogs = new UsedLog[QUEUES];
    GuestMemory memory;
    DirtyLog log;
    long accepted;
    int stopsAt = 7;
    long offered = FEATURES;
    boolean gone;

    @Override
    public long offeredFeatures() {
        return offered;
    }

    @Override
    public int queueCountMax() {
        return QUEUES;
    }

    @Override
    public void acceptFeatures(long features) {
        assertEquals(0, features & ~offered);
        for (VringSetup setup : running) assertNull(setup);
        accepted = features;
        calls.add("features 0x" + Long.toHexString(features));
    }

    @Override
    public byte[] readConfig(int offset, int sizeBytes) {
        assertTrue(offset >= 0 && sizeBytes > 0 && offset + sizeBytes <= 256);
        byte[] space = new byte[256];
        for (int i = 0; i < CONFIG_BYTES; i++) space[i] = (byte) (i + 1);
        return Arrays.copyOfRange(space, offset, offset + sizeBytes);
    }

    @Override
    public boolean writeConfig(int offset, byte[] bytes) {
        if (offset != WRITABLE_OFFSET || bytes.length != 1) return false;
        calls.add("config " + bytes[0]);
        return true;
    }

    @Override
    public void useMemory(GuestMemory next, VirtqueueAreas[] moved) {
        for (int i = 0; i < QUEUES; i++) {
            assertEquals(running[i] != null, moved[i] != null);
            rings[i] = moved[i];
        }
        if (memory != null) memory.release();
        memory = next;
        calls.add("memory " + next.regions().size());
    }

    @Override
    public void logWrites(DirtyLog next) {
        log = next;
        calls.add(next == null ? "log nothing" : "log");
    }

    @Override
    public void logUsed(int index, UsedLog next) {
        assertNotNull(running[index]);
        usedLogs[index] = next;
        calls.add(next == null ? "log used nothing " + index : "log used " + index);
    }

    @Override
    public void startVring(int index, VringSetup setup) {
        assertNull(running[index], "a vring is started once");
        assertNotNull(memory);
        assertFalse(setup.kick().fd().isClosed());
        assertTrue(RingFormat.of(accepted).isValidSize(setup.size()));
        running[index] = setup;
        rings[index] = setup.areas();
        usedLogs[index] = setup.usedLog();
        calls.add("start " + index + " at " + setup.base());
    }

    @Override
    public int stopVring(int index, Failed failed) {
        VringSetup setup = running[index];
        assertNotNull(setup, "only a running vring is stopped");
        assertFalse(setup.kick().fd().isClosed(), "the kick outlives the vring");
        running[index] = null;
        ends.add(failed);
        calls.add("stop " + index);
        return stopsAt;
    }

    @Override
    public int vringBase(int index) {
        return stopsAt;
    }

    @Override
    public void setCall(int index, EventFd call) {
        assertNotNull(running[index]);
        calls.add(call == null ? "call " + index + " none" : "call " + index);
    }

    @Override
    public void setErr(int index, EventFd err) {
        assertNotNull(running[index]);
        calls.add("err " + index);
    }

    @Override
    public void handOver() {
        for (VringSetup setup : running) assertNull(setup);
        calls.add("hand over");
    }

    @Override
    public byte[] saveState() {
        for (VringSetup setup : running) assertNull(setup);
        return new byte[] {1, 2, 3};
    }

    @Override
    public boolean loadState(byte[] state) {
        for (VringSetup setup : running) assertNull(setup);
        calls.add("state of " + state.length);
        return Arrays.equals(state, new byte[] {1, 2, 3});
    }

    @Override
    public void reset() {
        for (VringSetup setup : running) assertNull(setup, "nothing runs when the driver starts over");
        accepted = 0;
        calls.add("reset");
    }

    @Override
    public void disconnected() {
        assertFalse(gone, "disconnected once");
        assertNull(log, "nothing is logged when the connection ends");
        for (VringSetup setup : running) assertNull(setup, "nothing runs when the connection ends");
        if (memory != null) memory.release();
        memory = null;
        gone = true;
        calls.add("disconnected");
    }
}
