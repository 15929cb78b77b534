package io.vireo.actors.device;

import akka.actor.typed.ActorRef;
import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.iothread.PolledDevice;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.posix.Memory;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.blk.KeptRequest;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.queue.VirtqueueBroken;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A device's virtqueues on one IOThread and their requests in flight: the state that its actors and its pipeline work
 * on. It outlives them: what the kernel still holds when an actor dies comes back here.
 *
 * <p>A request passes {@link #drain} (device actor), {@link #submit} (pipeline), {@link #completed} (from the node),
 * {@link #finish} (pipeline) and {@link #decideCall} (interrupt actor). Thread: the IOThread, all of it; {@link #seen}
 * from anywhere.
 */
public final class DeviceShard implements PolledDevice {
    /** Batches drained and not yet submitted; more only wait longer. */
    private static final int BATCHES = 8;

    final IoThread ioThread;
    final DeviceListener listener;
    final DeviceCounters counters;
    private final RequestTaker taker;
    private final NodeChannel channel;
    private final boolean announces;
    private final RequestBatch.Pool batches;
    private final Completions completions;
    private final Passage passage = new Passage();
    private final CompletableFuture<Void> whenAbandoned = new CompletableFuture<>();
    private final ServedVirtqueues queues = new ServedVirtqueues();
    private final IdleWaiters idleWaiters = new IdleWaiters(queues, () -> 0);
    private final IdleWaiters quietWaiters;
    private final Intake intake;
    private final FailedRequests failed;
    private final RequestAccount account;
    /** Null while nobody wants to know what is written to guest memory. */
    private DirtyLog dirtyLog;
    private ActorRef<DeviceActor.Command> device;
    private ActorRef<InterruptActor.Completed> interrupt;
    private boolean drainPending;
    private boolean durableWrites;
    private boolean abandoned;
    private int firstQueue;
    private int turnWork;

    /** Opens the node's channel, so on the IOThread. */
    DeviceShard(
            IoThread ioThread,
            BlockNode node,
            BlkProperties properties,
            DeviceCounters counters,
            Conduct conduct,
            DeviceListener listener) {
        this.ioThread = ioThread;
        intake = conduct.intake();
        failed = new FailedRequests(conduct.errors(), intake, listener);
        quietWaiters = new IdleWaiters(queues, failed::size);
        this.counters = counters;
        this.listener = listener;
        account = new RequestAccount(counters, listener, properties.readOnly());
        channel = node.open(ioThread);
        announces = channel.wantsAnnouncements();
        int batchMax = ioThread.config().batchMax();
        taker = new RequestTaker(properties, batchMax);
        batches = new RequestBatch.Pool(BATCHES, batchMax);
        completions = new Completions(new RequestBatch.Pool(BATCHES, batchMax));
    }

    /** How many requests each station has seen; they agree whenever nothing is in flight. */
    public Passage passage() {
        return passage;
    }

    void connect(ActorRef<DeviceActor.Command> device, ActorRef<InterruptActor.Completed> interrupt) {
        this.device = device;
        this.interrupt = interrupt;
    }

    /** Who is told, once per burst, that {@link #nextCompleted} has something. */
    public void onCompletions(Runnable listener) {
        completions.tell(listener);
    }

    void durableWrites(boolean durable) {
        durableWrites = durable;
    }

    /** The driver's features: what it may send. */
    void accept(long accepted) {
        taker.accept(accepted);
    }

    void use(MemoryLease next) {
        taker.use(next);
    }

    void log(DirtyLog next) {
        dirtyLog = next;
    }

    void add(ServedVirtqueue queue) {
        queues.add(queue);
        taker.fit(queues.largestSize());
        ioThread.poll(this);
    }

    private void remove(ServedVirtqueue queue) {
        queues.remove(queue);
        if (queues.isEmpty()) ioThread.forget(this);
    }

    /** The running virtqueue of this index, or null. */
    ServedVirtqueue queue(int index) {
        return queues.at(index);
    }

    /** The running virtqueues, for those who only look. */
    ServedVirtqueue[] seen() {
        return queues.seen();
    }

    void kicked(ServedVirtqueue queue) {
        counters.kick(queue.ring.index());
        ioThread.poll(this);
    }

    @Override
    public boolean poll() {
        if (drainPending || batches.isEmpty()) return false;
        if (!intake.isOpen() || !hasAvailable()) return false;
        drainPending = true;
        device.tell(DeviceActor.Drain.DRAIN);
        return true;
    }

    private boolean hasAvailable() {
        try {
            return queues.hasAvailable();
        } catch (InternalError e) {
            memoryLost(e);
            return false;
        }
    }

    @Override
    public void suppressKicks() {
        if (!intake.isOpen()) return; // memory stays as it is while the device is quiet
        try {
            queues.suppressKicks();
        } catch (InternalError e) {
            memoryLost(e);
        }
    }

    @Override
    public boolean enableKicks() {
        if (!intake.isOpen()) return drainPending;
        try {
            return queues.enableKicks() || drainPending;
        } catch (InternalError e) {
            memoryLost(e);
            return false;
        }
    }

    @Override
    public int takeTurnWork() {
        int work = turnWork;
        turnWork = 0;
        return work;
    }

    @Override
    public void addCpuNanos(long nanos) {
        counters.cpuNanos(nanos);
    }

    /** Takes what the driver has published, up to one batch; null when that is nothing. */
    RequestBatch drain() {
        drainPending = false;
        if (abandoned || !intake.isOpen()) return null;
        RequestBatch batch = batches.take();
        if (batch == null) return null;
        long now = System.nanoTime();
        ServedVirtqueue[] all = queues.seen();
        for (int i = 0; i < all.length && !batch.isFull(); i++) {
            // A queue that fills every batch must not starve those behind it.
            drain(all[(firstQueue + i) % all.length], batch, now);
        }
        if (++firstQueue >= all.length) firstQueue = 0;
        if (batch.count() == 0) {
            batch.recycle();
            return null;
        }
        passage.drained(batch.count());
        turnWork += batch.count();
        ioThread.counters().batch(batch.count());
        return batch;
    }

    private void drain(ServedVirtqueue queue, RequestBatch batch, long now) {
        VirtqueueBroken broken;
        try {
            broken = taker.fill(batch, queue, now);
        } catch (InternalError e) {
            throw new GuestMemoryLost(e);
        }
        if (broken == null) return;
        queue.shut();
        listener.virtqueueBroken(queue.ring.index(), broken);
    }

    /** Hands a batch to the node and recycles it. Completions may come back while this runs. */
    public void submit(RequestBatch batch) {
        if (abandoned) {
            batch.recycle();
            return;
        }
        passage.submitted(batch.count());
        completions.beginSubmit();
        for (int i = 0; i < batch.count(); i++) {
            if (announces) batch.announce(i, channel);
            submit(batch.slot(i));
        }
        completions.endSubmit();
        batch.recycle();
    }

    private void submit(RequestSlot slot) {
        if (slot.needsNode()) {
            submitToNode(slot, slot.toNode(durableWrites));
        } else {
            slot.answered();
            completed(slot);
        }
    }

    private void submitToNode(RequestSlot slot, IoRequest request) {
        slot.atNode = true;
        try {
            channel.submit(request);
        } catch (RuntimeException | Error e) {
            // It was not accepted, so it will not come back: the device must not wait for it when it closes.
            slot.atNode = false;
            throw e;
        }
    }

    /**
     * Hands the next part of a request to the node, from inside the completion of the part before; false when nobody
     * waits for it any more.
     */
    boolean submitNext(RequestSlot slot, IoRequest next) {
        if (abandoned) return false;
        try {
            channel.submit(next);
        } catch (RuntimeException | Error e) {
            // Whose turn this is, a stage's or the loop's, is not known here.
            slot.atNode = false;
            device.tell(new DeviceActor.Failed(e));
        }
        return true;
    }

    void completed(RequestSlot slot) {
        slot.atNode = false;
        if (abandoned) {
            slot.queue.release(slot);
            return;
        }
        if (slot.errno() != 0 && failed.keeps(slot)) {
            idleWaiters.fail("it is stopped by an I/O error: resume first");
            quietWaiters.check();
            return;
        }
        completions.add(slot);
    }

    /** The next batch of requests that are done, or null. */
    public RequestBatch nextCompleted() {
        return abandoned ? null : completions.next();
    }

    /** Writes status bytes and used rings, and asks the interrupt actor about each virtqueue. Recycles the batch. */
    public void finish(RequestBatch batch) {
        if (abandoned) {
            batch.recycle();
            return;
        }
        long now = System.nanoTime();
        try {
            for (int i = 0; i < batch.count(); i++) answer(batch.slot(i), now);
            if (dirtyLog != null) logWrites(batch);
            queues.publishUsed();
        } catch (InternalError e) {
            throw new GuestMemoryLost(e);
        }
        for (ServedVirtqueue queue : queues.seen()) {
            if (!queue.dirty) continue;
            queue.dirty = false;
            interrupt.tell(queue.completed);
        }
        passage.completed(batch.count());
        turnWork += batch.count();
        // Released only now: a queue that was waiting for its last request to stop must have published it.
        boolean wasFull = false;
        for (int i = 0; i < batch.count(); i++) {
            RequestSlot slot = batch.slot(i);
            wasFull |= slot.queue.isFull();
            slot.queue.release(slot);
        }
        if (wasFull && !queues.isEmpty()) ioThread.poll(this); // what waits in its ring has kicked already, or never will
        batch.recycle();
    }

    private void logWrites(RequestBatch batch) {
        for (int i = 0; i < batch.count(); i++) batch.slot(i).log(dirtyLog);
        dirtyLog.announce(ioThread.signaller());
    }

    private void answer(RequestSlot slot, long now) {
        ServedVirtqueue queue = slot.queue;
        account.finished(slot, now);
        queue.ring.pushUsed(slot.blk.chainId(), slot.blk.complete(slot.status()));
        queue.dirty = true;
        queue.undecided++;
    }

    void decideCall(ServedVirtqueue queue) {
        if (abandoned) return;
        passage.decided(queue.undecided);
        boolean called = queue.call != null && needsCall(queue);
        if (called) {
            counters.call(queue.ring.index());
            queue.quantum.called();
            ioThread.signaller().signal(queue.call);
        }
        queue.decided();
        idleWaiters.check();
        quietWaiters.check();
    }

    private static boolean needsCall(ServedVirtqueue queue) {
        try {
            boolean needed = queue.ring.needsCall();
            Memory.raiseFaults();
            return needed;
        } catch (InternalError e) {
            throw new GuestMemoryLost(e);
        }
    }

    /**
     * Stops a virtqueue, which stays listed until nothing of it is in flight. One that does not run is at 0.
     *
     * @param suspendFailed see {@link Device#suspendQueue}
     */
    void stop(int index, boolean suspendFailed, CompletableFuture<Integer> stopped) {
        ServedVirtqueue queue = queue(index);
        if (queue == null) {
            stopped.complete(0);
            return;
        }
        ioThread.unwatch(queue.kick.fd(), queue.kickToken);
        CompletableFuture<Integer> drained = new CompletableFuture<>();
        drained.thenAccept(next -> {
            remove(queue);
            stopped.complete(next);
        });
        if (suspendFailed && queue.ring.isTracked()) queue.suspends = true;
        else if (!queue.closed) takeResubmits(queue);
        queue.stop(drained);
        if (queue.suspends) failed.hand(queue, queue::release);
        else failed.hand(queue, this::retry);
    }

    /** What was in flight before is to be answered by a virtqueue that stops for good, whoever holds the intake. */
    private void takeResubmits(ServedVirtqueue queue) {
        try {
            while (queue.ring.resubmits() > 0) {
                RequestSlot slot = taker.take(queue);
                passage.drained(1);
                passage.submitted(1);
                submit(slot);
            }
        } catch (VirtqueueBroken e) {
            queue.shut();
            listener.virtqueueBroken(queue.ring.index(), e);
        } catch (InternalError e) {
            memoryLost(e);
        } catch (RuntimeException | Error e) {
            fail(e);
            device.tell(new DeviceActor.Failed(e));
        }
    }

    /** If the intake is open, tries again what has failed, then looks at the rings, whose kicks may have gone unheard. */
    void resume() {
        if (abandoned || !intake.isOpen()) return;
        failed.retry(this::retry);
        if (!queues.isEmpty()) ioThread.poll(this);
    }

    private void retry(RequestSlot slot) {
        try {
            submitToNode(slot, slot.restToNode(durableWrites));
        } catch (RuntimeException | Error e) {
            fail(e);
            device.tell(new DeviceActor.Failed(e));
        }
    }

    /** The node has another size. Requests that were taken by the one before are judged by the node. */
    void resized(BlkProperties resized) {
        if (abandoned) return;
        channel.resized();
        taker.resized(resized);
    }

    /** Where a virtqueue goes on that has nothing in flight; one that does not run is at 0. */
    int base(int index) {
        ServedVirtqueue queue = queue(index);
        return queue == null ? 0 : queue.ring.base();
    }

    /** Completes when nothing is in flight here. */
    void whenIdle(CompletableFuture<Void> idle) {
        idleWaiters.add(idle);
        if (abandoned) idleWaiters.fail("the device has failed");
        else if (!failed.isEmpty()) idleWaiters.fail("it is stopped by an I/O error: resume first");
    }

    /** Completes when nothing is in flight here but requests that failed and are kept. */
    void whenQuiet(CompletableFuture<Void> quiet) {
        quietWaiters.add(quiet);
        if (abandoned) quietWaiters.fail("the device has failed");
    }

    /** The requests that are kept and not written down elsewhere, in the order in which they failed. */
    List<KeptRequest> kept() {
        return failed.all().stream().filter(slot -> !slot.queue.ring.isTracked()).map(slot -> KeptRequest.of(slot.queue.ring.index(),
                slot.queue.ring.ringDescriptors(slot.blk.chainId()), slot.blk, slot.lease.memory)).toList();
    }

    /**
     * Keeps a request that another device kept; its virtqueue runs, and the intake is held.
     *
     * @throws IllegalArgumentException it does not fit to the virtqueue or the memory
     */
    void keep(KeptRequest request) {
        ServedVirtqueue queue = queue(request.queue());
        if (queue == null || !taker.hasMemory()) {
            throw new IllegalArgumentException("a request of virtqueue " + request.queue() + ", which does not run");
        }
        failed.keep(taker.retake(queue, request));
    }

    /** Gives up what it keeps, unanswered; nothing else is in flight, and the virtqueues are about to stop. */
    void dropKept() {
        failed.clear();
        for (ServedVirtqueue queue : queues.seen()) queue.releaseAllBut(_ -> false);
    }

    /** The actors are gone: nothing is taken or answered any more; what is in flight only comes home. */
    void abandon() {
        if (abandoned) return;
        abandoned = true;
        ioThread.forget(this);
        queues.breakAll();
        failed.clear();
        for (ServedVirtqueue queue : queues.seen()) queue.releaseAllBut(slot -> slot.atNode);
        whenAbandoned.complete(null);
        idleWaiters.fail("the device has failed");
        quietWaiters.fail("the device has failed");
    }

    boolean isAbandoned() {
        return abandoned;
    }

    /** Completes when {@link #abandon} has run. */
    CompletableFuture<Void> whenAbandoned() {
        return whenAbandoned;
    }

    /** Gives up memory and channel; nothing is in flight. */
    void close() {
        ioThread.forget(this);
        use(null);
        channel.close();
    }

    private void memoryLost(InternalError e) {
        GuestMemoryLost reason = new GuestMemoryLost(e);
        fail(reason);
        device.tell(new DeviceActor.Failed(reason));
    }

    /** {@link #abandon}, and tells the listener why, once. */
    void fail(Throwable reason) {
        if (abandoned) return;
        abandon();
        listener.failed(reason);
    }
}
