package io.vireo.actors.plane;

import io.vireo.posix.EventFd;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueBroken;
import io.vireo.virtio.vhostuser.VhostUserBackend;
import io.vireo.virtio.vhostuser.VhostUserException;
import io.vireo.virtio.vhostuser.VringSetup;

/** A device as vhost-user sees it. Thread: the session's. */
final class VhostUserExport implements VhostUserBackend {
    private final DeviceHost host;
    private volatile Runnable tell = () -> {};
    /** A change was told of that a front-end may not have passed on: QEMU does not while no vring runs. */
    private volatile boolean tellAgain;

    VhostUserExport(DeviceHost host) {
        this.host = host;
    }

    /** Who sends the front-end a CONFIG_CHANGE_MSG, without waiting for it. */
    void onConfigChange(Runnable listener) {
        tell = listener;
    }

    /** The configuration space says something that the driver does not know. From any thread. */
    void configChanged() {
        if (!host.hasRunningQueues()) tellAgain = true;
        tell.run();
    }

    boolean isToTellAgain() {
        return tellAgain;
    }

    @Override
    public long offeredFeatures() {
        return host.offeredFeatures();
    }

    @Override
    public int queueCountMax() {
        return host.ioThreadOfQueue().size();
    }

    @Override
    public void acceptFeatures(long features) {
        try {
            host.acceptFeatures(features);
        } catch (IllegalArgumentException e) {
            throw new VhostUserException(VhostUserException.Fault.FEATURES, e.getMessage());
        }
    }

    @Override
    public byte[] readConfig(int offset, int sizeBytes) {
        return host.readConfig(offset, sizeBytes);
    }

    @Override
    public boolean writeConfig(int offset, byte[] bytes) {
        return host.writeConfig(offset, bytes);
    }

    @Override
    public void useMemory(GuestMemory memory, VirtqueueAreas[] areas) {
        host.useMemory(memory, areas);
    }

    @Override
    public void logWrites(DirtyLog log) {
        host.logWrites(log);
    }

    @Override
    public void logUsed(int index, UsedLog log) {
        host.logUsed(index, log);
    }

    @Override
    public void startVring(int index, VringSetup setup) {
        try {
            host.startQueue(index, setup.size(), setup.areas(), setup.base(), setup.kick(), setup.call(), setup.err(),
                    setup.usedLog(), setup.inflight());
        } catch (VirtqueueBroken e) {
            throw new VhostUserException(VhostUserException.Fault.INFLIGHT, "vring " + index + ": " + e.getMessage());
        }
        if (!tellAgain) return;
        tellAgain = false;
        tell.run();
    }

    @Override
    public int stopVring(int index, Failed failed) {
        return switch (failed) {
            case ANSWER -> host.stopQueue(index);
            case SUSPEND -> host.suspendQueue(index);
        };
    }

    @Override
    public int vringBase(int index) {
        return host.queueBase(index);
    }

    @Override
    public void setCall(int index, EventFd call) {
        host.setCall(index, call);
    }

    @Override
    public void setErr(int index, EventFd err) {
        host.setErr(index, err);
    }

    @Override
    public void handOver() {
        host.handOver();
    }

    @Override
    public byte[] saveState() {
        return host.saveState();
    }

    @Override
    public boolean loadState(byte[] state) {
        try {
            return host.loadState(state);
        } catch (IllegalArgumentException e) {
            return false; // with requests, which a front-end's queues never leave behind
        }
    }

    @Override
    public void reset() {
        host.resetDriver();
    }

    @Override
    public void disconnected() {
        tellAgain = false; // the next one reads the configuration space when it attaches
        host.reset();
    }
}
