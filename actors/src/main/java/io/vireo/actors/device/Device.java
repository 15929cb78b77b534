package io.vireo.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import io.vireo.actors.iothread.IoThread;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.posix.EventFd;
import io.vireo.storage.node.BlockNode;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.blk.KeptRequest;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.InflightArea;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueAreas;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * A virtio-blk device while a driver uses it: from feature negotiation to reset. It spans the IOThreads that serve its
 * virtqueues, with one actor on each; a transport drives it and tells it nothing but virtio's own words.
 *
 * <p>Thread: one controlling thread at a time, never an IOThread. Calls wait for their IOThreads; what a request in
 * flight holds up ({@link #stopQueue}, {@link #close}) is a future.
 */
public final class Device {
    /** Actor names must be unique while the one before is still on its way out. */
    private static final AtomicLong OPENED = new AtomicLong();

    private final String name;
    private final BlkProperties properties;
    private final List<IoThread> ioThreadOfQueue;
    private final Executor blocking;
    private final int inFlightMax;
    private final Map<IoThread, Shard> shards = new LinkedHashMap<>();
    private final ServedVirtqueue[] served;
    private long features;

    private record Shard(DeviceShard state, ActorRef<DeviceActor.Command> actor) {}

    private Device(
            String name, BlkProperties properties, List<IoThread> ioThreadOfQueue, Executor blocking, int inFlightMax) {
        this.name = name;
        this.properties = properties;
        this.ioThreadOfQueue = ioThreadOfQueue;
        this.blocking = blocking;
        this.inFlightMax = inFlightMax;
        served = new ServedVirtqueue[ioThreadOfQueue.size()];
    }

    /**
     * Opens the device on its IOThreads.
     *
     * @param ioThreadOfQueue who serves each virtqueue, by index
     * @param counters the counters to go on with, per IOThread
     * @param blocking where memory is unmapped
     */
    public static Device open(
            ActorSystem<?> system,
            String name,
            BlockNode node,
            BlkProperties properties,
            List<IoThread> ioThreadOfQueue,
            Function<IoThread, DeviceCounters> counters,
            Executor blocking,
            Conduct conduct,
            DeviceListener listener) {
        Device device = new Device(name, properties, ioThreadOfQueue, blocking, conduct.inFlightMax());
        for (IoThread ioThread : new LinkedHashSet<>(ioThreadOfQueue)) {
            DeviceShard state = CompletableFuture.supplyAsync(
                            () -> new DeviceShard(ioThread, node, properties, counters.apply(ioThread), conduct, listener),
                            ioThread)
                    .join();
            ActorRef<DeviceActor.Command> actor = system.systemActorOf(
                    DeviceActor.create(state),
                    "vireo-" + name + "-" + ioThread.name() + "-" + OPENED.incrementAndGet(),
                    DispatcherSelector.fromConfig(ioThread.dispatcher()));
            device.shards.put(ioThread, new Shard(state, actor));
        }
        return device;
    }

    /** The driver's features: they decide how rings are read and whether a write may stay in a cache. */
    public void accept(long acceptedFeatures, boolean writeBack) {
        features = acceptedFeatures;
        for (Shard shard : shards.values()) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            ask(shard, new DeviceActor.Accept(acceptedFeatures, done), done);
        }
        writeBack(writeBack);
    }

    /**
     * Switches the write cache. Writes that are taken after this has returned follow: a driver that was told that its
     * cache is off believes the next write durable.
     */
    public void writeBack(boolean writeBack) {
        for (Shard shard : shards.values()) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            ask(shard, new DeviceActor.SetDurable(!writeBack, done), done);
        }
    }

    /**
     * Goes over to another generation of guest memory, which belongs to the device from here.
     *
     * @param areas where in it the virtqueues lie that run, by index
     */
    public void useMemory(GuestMemory memory, VirtqueueAreas[] areas) {
        AtomicInteger holders = new AtomicInteger(shards.size());
        Runnable onReleased = () -> {
            // Unmapping a large guest takes milliseconds.
            if (holders.decrementAndGet() == 0) blocking.execute(memory::release);
        };
        for (Shard shard : shards.values()) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            ask(shard, new DeviceActor.UseMemory(new MemoryLease(memory, onReleased), areas, done), done);
            if (!done.isDone()) onReleased.run(); // whoever was to hold it is gone
        }
    }

    /** Has what is written for requests from now on marked in {@code log}, also for those in flight; null: no more. */
    public void logWrites(DirtyLog log) {
        for (Shard shard : shards.values()) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            ask(shard, new DeviceActor.Log(log, done), done);
        }
    }

    /** As {@link #logWrites}, for what is written to use the buffers of a virtqueue. */
    public void logUsed(int index, UsedLog log) {
        Shard shard = shardOf(index);
        CompletableFuture<Void> done = new CompletableFuture<>();
        ask(shard, new DeviceActor.LogUsed(index, log, done), done);
    }

    /**
     * Starts a virtqueue.
     *
     * @param base where to go on, see {@link Virtqueue#base}
     * @param call null when the driver polls
     * @param err null when nobody wants to know that the ring is broken
     * @param usedLog null when nobody wants to know what is written into its areas
     * @param inflight where to write down what is in flight, see {@link Virtqueue#of}; null for nowhere
     * @return how many requests a device before this one had in flight, which are taken once more
     * @throws io.vireo.virtio.queue.VirtqueueBroken what is written there is nonsense
     */
    public int startQueue(
            int index,
            int size,
            VirtqueueAreas areas,
            int base,
            EventFd kick,
            EventFd call,
            EventFd err,
            UsedLog usedLog,
            InflightArea inflight) {
        Shard shard = shardOf(index);
        Virtqueue virtqueue = Virtqueue.of(index, size, areas, base, features, usedLog, inflight);
        int resubmits = virtqueue.resubmits();
        // Its driver counts buffers; one that crosses memory regions is several here.
        int segmentsMax = properties.segMax() + Chain.CROSSINGS_MAX;
        ServedVirtqueue queue = new ServedVirtqueue(virtqueue, kick, segmentsMax, inFlightMax, shard.state);
        queue.call = call;
        queue.err = err;
        CompletableFuture<Void> done = new CompletableFuture<>();
        ask(shard, new DeviceActor.Start(queue, done), done);
        if (done.isDone()) served[index] = queue;
        else queue.free(); // whoever was to serve it is gone
        return resubmits;
    }

    /** Takes no more from a virtqueue; its base ({@link Virtqueue#base}), once what is in flight is used. */
    public CompletableFuture<Integer> stopQueue(int index) {
        return stop(index, false);
    }

    /**
     * As {@link #stopQueue}, but requests that fail and are kept are not tried once more and answered: where that is
     * written down they stay in flight, for a device that goes on with the virtqueue.
     */
    public CompletableFuture<Integer> suspendQueue(int index) {
        return stop(index, true);
    }

    private CompletableFuture<Integer> stop(int index, boolean suspendFailed) {
        served[index] = null;
        Shard shard = shardOf(index);
        CompletableFuture<Integer> stopped = new CompletableFuture<>();
        // To the state, not to the actor: a queue whose actor died must come to its end too.
        shard.state.ioThread.execute(() -> shard.state.stop(index, suspendFailed, stopped));
        return stopped;
    }

    /** As {@link Virtqueue#base}, of a virtqueue that runs and has nothing in flight while the intake is held. */
    public int base(int index) {
        DeviceShard state = shardOf(index).state;
        return CompletableFuture.supplyAsync(() -> state.base(index), state.ioThread).join();
    }

    public void setCall(int index, EventFd call) {
        Shard shard = shardOf(index);
        CompletableFuture<Void> done = new CompletableFuture<>();
        ask(shard, new DeviceActor.SetCall(index, call, done), done);
    }

    public void setErr(int index, EventFd err) {
        Shard shard = shardOf(index);
        CompletableFuture<Void> done = new CompletableFuture<>();
        ask(shard, new DeviceActor.SetErr(index, err, done), done);
    }

    public boolean isRunning(int index) {
        return served[index] != null;
    }

    /** Goes on after its intake was opened. From any thread. */
    public void resume() {
        for (Shard shard : shards.values()) shard.state.ioThread.execute(shard.state::resume);
    }

    /**
     * Completes when nothing is in flight; exceptionally when that will not be. Means something while the intake is held.
     * From any thread.
     */
    public CompletableFuture<Void> whenIdle() {
        return CompletableFuture.allOf(shards.values().stream().map(shard -> {
            CompletableFuture<Void> idle = new CompletableFuture<>();
            shard.state.ioThread.execute(() -> shard.state.whenIdle(idle));
            return idle;
        }).toArray(CompletableFuture[]::new));
    }

    /** As {@link #whenIdle}, but that requests which failed and are kept do not count. */
    public CompletableFuture<Void> whenQuiet() {
        return CompletableFuture.allOf(shards.values().stream().map(shard -> {
            CompletableFuture<Void> quiet = new CompletableFuture<>();
            shard.state.ioThread.execute(() -> shard.state.whenQuiet(quiet));
            return quiet;
        }).toArray(CompletableFuture[]::new));
    }

    /**
     * The requests that failed and are kept, for {@link #keep} of another device; while it is quiet. Those of a virtqueue that
     * is tracked are not among them: whoever goes on with it finds them written down.
     */
    public List<KeptRequest> kept() {
        return shards.values().stream()
                .flatMap(shard -> CompletableFuture.supplyAsync(shard.state::kept, shard.state.ioThread).join().stream())
                .toList();
    }

    /**
     * Keeps a request of another device, to be tried when it is resumed.
     *
     * @throws IllegalArgumentException it does not fit; those before are dropped too, and the device is to be reset
     */
    public void keep(KeptRequest request) {
        int index = request.queue();
        if (index < 0 || index >= ioThreadOfQueue.size()) throw new IllegalArgumentException("virtqueue " + index);
        DeviceShard state = shardOf(index).state;
        try {
            CompletableFuture.runAsync(() -> state.keep(request), state.ioThread).join();
        } catch (CompletionException e) {
            // A reset would try them: a state that is refused as a whole must not write to the disk in part.
            for (Shard shard : shards.values()) {
                CompletableFuture.runAsync(shard.state::dropKept, shard.state.ioThread).join();
            }
            if (e.getCause() instanceof IllegalArgumentException unfit) throw unfit;
            throw e;
        }
    }

    /** The node has another size: every IOThread knows of it when this returns. */
    public void resized(BlkProperties resized) {
        CompletableFuture.allOf(shards.values().stream()
                .map(shard -> CompletableFuture.runAsync(() -> shard.state.resized(resized), shard.state.ioThread))
                .toArray(CompletableFuture[]::new)).join();
    }

    /** A virtqueue that runs, as it is seen from outside. */
    public record QueueState(int index, int size, int inFlight) {}

    /** The virtqueues that run. From any thread. */
    public List<QueueState> runningQueues() {
        return shards.values().stream().flatMap(shard -> Arrays.stream(shard.state.seen()))
                .map(queue -> new QueueState(queue.ring.index(), queue.ring.size(), queue.inFlightSeen()))
                .sorted(Comparator.comparingInt(QueueState::index)).toList();
    }

    /** Stops what runs, waits for what is in flight, ends the actors and gives the memory back. */
    public CompletableFuture<Void> close() {
        CompletableFuture<?>[] stops = new CompletableFuture<?>[served.length];
        for (int i = 0; i < served.length; i++) stops[i] = suspendQueue(i);
        return CompletableFuture.allOf(stops).thenCompose(_ -> endActors());
    }

    /**
     * Answers nothing any more: what is in flight only comes home, and {@link #close} completes then. Once this has completed
     * no virtqueue of the device is written to and no eventfd signalled.
     */
    public CompletableFuture<Void> abandon() {
        return CompletableFuture.allOf(shards.values().stream()
                .map(shard -> CompletableFuture.runAsync(shard.state::abandon, shard.state.ioThread))
                .toArray(CompletableFuture[]::new));
    }

    private CompletableFuture<Void> endActors() {
        CompletableFuture<?>[] ends = shards.values().stream().map(shard -> {
            // One that is dying already does not read this, but comes to its end all the same.
            shard.actor.tell(DeviceActor.Close.CLOSE);
            return shard.state.whenAbandoned().thenRunAsync(shard.state::close, shard.state.ioThread);
        }).toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(ends);
    }

    /** Requests taken and not answered. From any thread. */
    public int inFlight() {
        return shards.values().stream().flatMap(shard -> Arrays.stream(shard.state.seen()))
                .mapToInt(ServedVirtqueue::inFlightSeen).sum();
    }

    /** When the oldest request in flight was taken, by {@link System#nanoTime()}; 0 for none. From any thread. */
    public long oldestRequestNanos() {
        long now = System.nanoTime();
        return shards.values().stream().flatMap(shard -> Arrays.stream(shard.state.seen()))
                .mapToLong(queue -> queue.oldestNanos(now)).filter(at -> at != 0)
                .reduce((a, b) -> a - b < 0 ? a : b).orElse(0);
    }

    /** The stations' counts on one of the device's IOThreads. */
    public Passage passage(IoThread ioThread) {
        return shards.get(ioThread).state.passage();
    }

    /** The actor on one of the device's IOThreads. */
    ActorRef<DeviceActor.Command> actor(IoThread ioThread) {
        return shards.get(ioThread).actor;
    }

    public String name() {
        return name;
    }

    private Shard shardOf(int index) {
        return shards.get(ioThreadOfQueue.get(index));
    }

    /**
     * Waits for the actor's answer, or for the news that it is gone: a dead actor must not hang its transport. Then
     * {@code done} is not done, and never will be.
     */
    private void ask(Shard shard, DeviceActor.Command command, CompletableFuture<Void> done) {
        shard.actor.tell(command);
        // anyOf, which leaves nothing behind at the one that has not completed: a guest can ask for ever.
        CompletableFuture.anyOf(done, shard.state.whenAbandoned()).join();
    }
}
