package io.vireo.actors.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.vhostuser.VhostUserBackend;
import io.vireo.virtio.vhostuser.VringSetup;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A device of two queues that does no I/O and reports what happens to it as events. */
final class FakeDevice implements VhostUserBackend {
    final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    volatile boolean failing;
    /** What happens while features are accepted, and while a client's end is served. */
    volatile Runnable atFeatures = () -> {};

    volatile Runnable atEnd = () -> {};
    /** Of the vring that was started last. */
    volatile VringSetup started;
    private GuestMemory memory;

    @Override
    public long offeredFeatures() {
        if (failing) throw new IllegalStateException("injected");
        return 1L << 32;
    }

    @Override
    public int queueCountMax() {
        return 2;
    }

    @Override
    public void acceptFeatures(long features) {
        events.add("features");
        atFeatures.run();
    }

    @Override
    public byte[] readConfig(int offset, int sizeBytes) {
        return new byte[sizeBytes];
    }

    @Override
    public boolean writeConfig(int offset, byte[] bytes) {
        return true;
    }

    @Override
    public void useMemory(GuestMemory next, VirtqueueAreas[] rings) {
        if (memory != null) memory.release();
        memory = next;
        events.add("memory");
    }

    @Override
    public void logWrites(DirtyLog log) {}

    @Override
    public void logUsed(int index, UsedLog log) {}

    @Override
    public void startVring(int index, VringSetup setup) {
        started = setup;
        events.add("start " + index);
    }

    @Override
    public int stopVring(int index, Failed failed) {
        events.add("stop " + index);
        return 0;
    }

    @Override
    public int vringBase(int index) {
        return 0;
    }

    @Override
    public void setCall(int index, EventFd call) {}

    @Override
    public void setErr(int index, EventFd err) {}

    @Override
    public void handOver() {}

    @Override
    public byte[] saveState() {
        return new byte[0];
    }

    @Override
    public boolean loadState(byte[] state) {
        return false;
    }

    @Override
    public void reset() {
        events.add("reset");
    }

    @Override
    public void disconnected() {
        if (memory != null) memory.release();
        memory = null;
        atEnd.run();
        events.add("disconnected");
    }
}
