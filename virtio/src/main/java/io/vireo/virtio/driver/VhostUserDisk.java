package io.vireo.virtio.driver;

import io.vireo.posix.EventFd;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.FrontendException.Fault;
import io.vireo.virtio.queue.VirtqueueLayout;
import io.vireo.virtio.vhostuser.ProtocolFeatures;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A vhost-user-blk disk as a VMM and its guest's driver use it together: attached over a socket, its features agreed on,
 * its rings running. Stopped, or left by a back-end that died, it can be attached again and goes on where it was.
 * Thread: one, while no load runs on its queues.
 */
public final class VhostUserDisk implements AutoCloseable {
    /** How guest memory is told. */
    public enum MemoryMessages { TABLE, SLOTS }

    /**
     * @param features what to accept of what is offered
     * @param queues how many queues to use; fewer are refused
     * @param inflight whether the back-ends write down what is in flight, and only they know where a ring goes on
     */
    public record Options(
            long features, int queues, int queueSize, int buffersMax, MemoryMessages memory, long timeoutNanos,
            boolean inflight) {
        private static final long EVERYTHING = VirtqueueLayout.F_VERSION_1 | VirtqueueLayout.RING_F_EVENT_IDX
                | VirtqueueLayout.RING_F_INDIRECT_DESC | BlkLayout.F_SIZE_MAX | BlkLayout.F_SEG_MAX | BlkLayout.F_RO
                | BlkLayout.F_BLK_SIZE | BlkLayout.F_FLUSH | BlkLayout.F_TOPOLOGY | BlkLayout.F_CONFIG_WCE
                | BlkLayout.F_MQ | BlkLayout.F_DISCARD | BlkLayout.F_WRITE_ZEROES | BlkLayout.F_LIFETIME
                | BlkLayout.F_SECURE_ERASE | BlkLayout.F_ZONED;

        /** One queue of 128, every feature this driver knows but for packed rings and use in order, memory as a table. */
        public static Options defaults() {
            return new Options(EVERYTHING, 1, 128, 16, MemoryMessages.TABLE, 5_000_000_000L, false);
        }

        public Options withQueues(int count, int size) {
            return new Options(features, count, size, buffersMax, memory, timeoutNanos, inflight);
        }

        public Options withoutFeatures(long mask) {
            return new Options(features & ~mask, queues, queueSize, buffersMax, memory, timeoutNanos, inflight);
        }

        public Options withFeatures(long mask) {
            return new Options(features | mask, queues, queueSize, buffersMax, memory, timeoutNanos, inflight);
        }

        public Options withMemory(MemoryMessages messages) {
            return new Options(features, queues, queueSize, buffersMax, messages, timeoutNanos, inflight);
        }

        public Options withInflight() {
            return new Options(features, queues, queueSize, buffersMax, memory, timeoutNanos, true);
        }
    }

    private final DriverMemory memory;
    private final Options options;
    private final EventFd err = EventFd.create();
    private final List<DriverQueue> queues = new ArrayList<>();
    private VhostUserFrontend frontend;
    /** Null before a back-end has made it, and without {@link Options#inflight}. */
    private VhostUserFrontend.Inflight inflight;
    private long features;
    private DiskFacts facts;

    private VhostUserDisk(DriverMemory memory, Options options) {
        this.memory = memory;
        this.options = options;
    }

    /**
     * Connects, agrees on features, and starts the rings.
     *
     * @param memory stays the caller's, to be closed after the disk
     * @throws FrontendException the back-end does not play along
     * @throws io.vireo.posix.PosixException nobody listens at {@code path}
     */
    public static VhostUserDisk attach(Path path, DriverMemory memory, Options options) {
        return attach(UnixSocket.connect(path), memory, options);
    }

    /** As {@link #attach(Path, DriverMemory, Options)}, with a back-end that has connected to us; takes the socket over. */
    public static VhostUserDisk attach(UnixSocket connected, DriverMemory memory, Options options) {
        VhostUserDisk disk = new VhostUserDisk(memory, options);
        try {
            disk.attach(VhostUserFrontend.over(connected, options.timeoutNanos()));
            return disk;
        } catch (RuntimeException e) {
            disk.close();
            throw e;
        }
    }

    /**
     * Goes on at another connection, with what was in flight when the last one ended: the back-end knows it by the in-flight
     * memory, or it is offered again.
     */
    public void reattach(Path path) {
        frontend.close();
        attach(VhostUserFrontend.connect(path, options.timeoutNanos()));
    }

    /** What a load needs. Stays valid when the disk is attached again. */
    public DriverTransport transport() {
        return new DriverTransport(memory, queues, facts);
    }

    public VhostUserFrontend frontend() {
        return frontend;
    }

    /** The accepted feature bits. */
    public long features() {
        return features;
    }

    public DiskFacts facts() {
        return facts;
    }

    /** The eventfd that says a ring is broken. */
    public EventFd err() {
        return err;
    }

    /** Stops every ring and answers their next avail indices. */
    public int[] stop() {
        int[] bases = new int[queues.size()];
        for (int i = 0; i < bases.length; i++) bases[i] = frontend.getVringBase(i);
        return bases;
    }

    /** Starts the rings after {@link #stop}, on the same connection. */
    public void start() {
        for (int i = 0; i < queues.size(); i++) start(i, queues.get(i));
    }

    /** Chooses write-back (1) or write-through (0); needs CONFIG_WCE. */
    public void setWriteback(int value) {
        frontend.setConfig(BlkLayout.CONFIG_WRITEBACK, new byte[] {(byte) value});
    }

    /** Ends the connection without stopping the rings first, as a VMM that dies does. */
    @Override
    public void close() {
        if (frontend != null) frontend.close();
        if (inflight != null) inflight.close();
        for (DriverQueue queue : queues) {
            queue.kick().close();
            queue.call().close();
        }
        err.close();
    }

    private void attach(VhostUserFrontend connected) {
        frontend = connected;
        long offered = frontend.getFeatures();
        if ((offered & ProtocolFeatures.NEGOTIABLE) == 0)
            throw new FrontendException(Fault.NOT_OFFERED, "no protocol features: 0x" + Long.toHexString(offered));
        negotiateProtocol();
        frontend.setOwner();
        long accepted = offered & options.features();
        if (!queues.isEmpty() && accepted != features)
            throw new FrontendException(Fault.NOT_OFFERED, "features 0x%x where they were 0x%x".formatted(accepted, features));
        features = accepted;
        frontend.setFeatures(features | ProtocolFeatures.NEGOTIABLE);
        facts = DiskFacts.read(frontend.getConfig(0, BlkLayout.CONFIG_BYTES), features);
        tellMemory();
        if (queues.isEmpty()) makeQueues();
        if (options.inflight()) shareInflight();
        start();
    }

    private void negotiateProtocol() {
        long needed = ProtocolFeatures.CONFIG;
        if (options.inflight()) needed |= ProtocolFeatures.INFLIGHT_SHMFD;
        if (options.queues() > 1) needed |= ProtocolFeatures.MQ;
        if (options.memory() == MemoryMessages.SLOTS) needed |= ProtocolFeatures.CONFIGURE_MEM_SLOTS;
        long offered = frontend.getProtocolFeatures();
        if ((offered & needed) != needed)
            throw new FrontendException(Fault.NOT_OFFERED,
                    "protocol features 0x%x, needed 0x%x".formatted(offered, needed));
        frontend.setProtocolFeatures(offered
                & (needed | ProtocolFeatures.MQ | ProtocolFeatures.REPLY_ACK | ProtocolFeatures.LOG_SHMFD
                        | ProtocolFeatures.BACKEND_REQ));
        if ((offered & ProtocolFeatures.MQ) == 0) return;
        int count = frontend.getQueueNum();
        if (count < options.queues()) throw new FrontendException(Fault.NOT_OFFERED, "only " + count + " queues");
    }

    private void tellMemory() {
        if (options.memory() == MemoryMessages.TABLE) frontend.setMemTable(memory.regions());
        else memory.regions().forEach(frontend::addMemReg);
    }

    private void makeQueues() {
        for (int i = 0; i < options.queues(); i++) {
            DriverVirtqueue virtqueue =
                    DriverVirtqueue.of(memory, options.queueSize(), features, options.buffersMax());
            queues.add(new DriverQueue(virtqueue, EventFd.create(), EventFd.create()));
        }
    }

    private void shareInflight() {
        if (inflight == null) inflight = frontend.getInflightFd(options.queues(), options.queueSize());
        frontend.setInflightFd(inflight);
    }

    private void start(int index, DriverQueue queue) {
        DriverVirtqueue virtqueue = queue.virtqueue();
        if (inflight == null) virtqueue.offerAgain();
        frontend.setVringNum(index, virtqueue.size());
        frontend.setVringBase(index, virtqueue.resumeBase());
        frontend.setVringAddr(index, virtqueue);
        frontend.setVringKick(index, queue.kick());
        frontend.setVringCall(index, queue.call());
        frontend.setVringErr(index, err);
        frontend.enableVring(index);
        queue.kick().signal(); // a ring starts with a kick, and may have work already
    }
}
