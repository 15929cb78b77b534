package io.vireo.actors.device;

import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.device.ErrorPolicy.OnError;
import io.vireo.config.IoThreadConfig;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.posix.EventFd;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueBroken;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A device's real {@link DeviceShard}, virtqueues and slots with drivers and a disk, all on one thread: whose turn it is,
 * what arrives late, fails, stops, restarts or loses its power is drawn from a seed. The stations that actors and stages
 * are otherwise, are taken one at a time here; between any two accesses that a virtqueue makes to shared memory the other
 * side may have a turn ({@link Interleaving}).
 */
public final class DeviceSimulation implements DeviceListener {
    /** Schedules that a device and its disk live through. */
    private static final int SCHEDULES_A_WORLD = 40;
    private static final int IDLE_ROUNDS_MAX = 20_000;
    /** Has no thread: only its list of devices and its counters are used. */
    private static final IoThread[] IO_THREADS = new IoThread[4];

    private final RandomGenerator random;
    private final Intake intake = new Intake();
    private final SimulatedDisk disk;
    private final DriverMemory memory = DriverMemory.create(1 << 17, 1 << 17);
    private final SimulatedDriver.Shared shared = new SimulatedDriver.Shared();
    private final NativeBlock count = NativeBlock.allocate(8, 8);
    private final IoThread ioThread;
    private final ErrorPolicy errors;
    private final long features;
    private final int inFlightMax;
    private final Queue[] queues;
    private final ArrayDeque<RequestBatch> toSubmit = new ArrayDeque<>();
    private final ArrayDeque<RequestBatch> toFinish = new ArrayDeque<>();
    private DeviceShard shard;
    private Mailbox<DeviceActor.Command> device;
    private Mailbox<InterruptActor.Completed> interrupt;
    private boolean completionsDue;
    private boolean polled;
    private boolean nested;
    private boolean paused;
    /** What was in flight when it was called idle. */
    private CompletableFuture<Integer> idle = CompletableFuture.completedFuture(0);
    private long leases;
    private long released;

    /** One virtqueue: its two sides, and whether the device serves it. */
    private final class Queue {
        final int index;
        final SimulatedDriver driver;
        final EventFd kick = EventFd.create();
        final EventFd call = EventFd.create();
        ServedVirtqueue served;
        CompletableFuture<Integer> stopped;

        Queue(int index, int size) {
            this.index = index;
            driver = new SimulatedDriver(
                    memory, DriverVirtqueue.of(memory, size, features, SimulatedDriver.BUFFERS_MAX), shared, random);
        }

        VirtqueueAreas areas() {
            DriverVirtqueue ring = driver.ring;
            return new VirtqueueAreas(ring.descriptorAddress(), ring.driverAddress(), ring.deviceAddress());
        }

        void start(int base) {
            Virtqueue ring = Virtqueue.of(index, driver.ring.size(), areas(), base, features);
            served = new ServedVirtqueue(ring, kick, 64, inFlightMax, shard);
            served.call = call;
            stopped = null;
            shard.add(served);
            polled = true;
        }

        boolean isStopped() {
            return stopped != null && stopped.isDone();
        }
    }

    private DeviceSimulation(long seed) {
        random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        disk = new SimulatedDisk(random);
        boolean packed = random.nextBoolean();
        features = VirtqueueLayout.F_VERSION_1 | (packed ? VirtqueueLayout.F_RING_PACKED : 0)
                | (random.nextInt(4) == 0 ? 0 : VirtqueueLayout.RING_F_EVENT_IDX)
                | (random.nextBoolean() ? VirtqueueLayout.RING_F_INDIRECT_DESC : 0)
                | (random.nextInt(3) == 0 ? VirtqueueLayout.F_IN_ORDER : 0);
        errors = new ErrorPolicy(policy(), policy());
        inFlightMax = random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 1024;
        disk.behave(random.nextBoolean() ? 0 : 1 << random.nextInt(8), random.nextInt(3) * 50);
        ioThread = ioThread(random.nextInt(IO_THREADS.length));
        queues = new Queue[1 + random.nextInt(2)];
        for (int i = 0; i < queues.length; i++) {
            queues[i] = new Queue(i, packed ? 2 + random.nextInt(15) : 2 << random.nextInt(4));
        }
        Interleaving.begin(() -> interrupted(this::driverStep), () -> interrupted(this::deviceStep));
    }

    private OnError policy() {
        return OnError.values()[random.nextInt(5)] == OnError.STOP || random.nextBoolean() ? OnError.STOP : OnError.REPORT;
    }

    private static IoThread ioThread(int index) {
        if (IO_THREADS[index] == null) {
            IoThreadConfig like = IoThreadConfig.of("simulated");
            IO_THREADS[index] = new IoThread(
                    new IoThreadConfig("simulated", List.of(), Duration.ZERO, 2, 0, 1 << 2 * index, like.origin()),
                    Runnable::run, false);
        }
        return IO_THREADS[index];
    }

    /**
     * Lives through schedules, one world of {@value #SCHEDULES_A_WORLD} after the other.
     *
     * @param firstSeed the first world's; the next ones follow it
     * @return requests that were completed
     * @throws AssertionError the device did what it must not; the message has the world's seed
     */
    public static long run(long firstSeed, long schedules) {
        long completed = 0;
        for (long world = 0; world * SCHEDULES_A_WORLD < schedules; world++) {
            try {
                DeviceSimulation simulation = new DeviceSimulation(firstSeed + world);
                simulation.live();
                completed += simulation.shared.completed;
            } catch (Throwable e) {
                throw new AssertionError("world of seed " + (firstSeed + world) + ": " + e.getMessage(), e);
            }
        }
        return completed;
    }

    private void live() {
        open();
        for (int i = 0; i < SCHEDULES_A_WORLD; i++) {
            for (int steps = random.nextInt(100); steps > 0; steps--) step();
            if (random.nextInt(4) == 0) quiesce();
            switch (random.nextInt(8)) {
                case 0 -> fail(false);
                case 1 -> fail(true);
                default -> {}
            }
        }
        quiesce();
        require(shared.ioErrors <= disk.failed, shared.ioErrors + " errors, and " + disk.failed + " were injected");
        close();
        require(leases == released, "of " + leases + " holds on the guest's memory " + released + " came back");
        disk.free();
        memory.close();
        count.close();
        for (Queue queue : queues) {
            queue.kick.close();
            queue.call.close();
        }
    }

    private void open() {
        BlkProperties properties = new BlkProperties(
                disk.sizeBytes(), 512, 512, 0, 0, 32, 0, queues.length, false, true,
                new BlkProperties.Discard(true, 64, 2, 1), new BlkProperties.WriteZeroes(true, 64, 2, true), "simulated");
        device = new Mailbox<>();
        interrupt = new Mailbox<>();
        toSubmit.clear();
        toFinish.clear();
        completionsDue = false;
        shard = new DeviceShard(
                ioThread, disk, properties, new DeviceCounters(queues.length), new Conduct(intake, errors, inFlightMax),
                this);
        shard.connect(device, interrupt);
        shard.onCompletions(() -> completionsDue = true);
        shard.accept(features);
        shard.durableWrites(shared.durable);
        useMemory();
        for (Queue queue : queues) queue.start(queue.driver.ring.resumeBase());
    }

    private void useMemory() {
        GuestMemory guest = GuestMemory.of(memory.regions().stream()
                .map(region -> new MemoryRegion(region.gpa(), region.userAddress(), region.sizeBytes(),
                        region.userAddress(), SharedMapping.of(() -> {})))
                .toList());
        leases++;
        shard.use(new MemoryLease(guest, () -> released++));
        for (ServedVirtqueue queue : shard.seen()) queue.ring.moveTo(queues[queue.ring.index()].areas());
    }

    /** In the middle of the other side's work: never in the middle of one's own. */
    private void interrupted(Runnable step) {
        if (nested || random.nextInt(16) != 0) return;
        nested = true;
        for (int steps = 1 + random.nextInt(4); steps > 0; steps--) step.run();
        nested = false;
    }

    private void step() {
        int turn = random.nextInt(100);
        if (turn < 40) {
            driverStep();
        } else if (turn < 98) {
            for (int steps = random.nextInt(6); steps >= 0; steps--) deviceStep();
        } else {
            control();
        }
    }

    private Queue any() {
        return queues[random.nextInt(queues.length)];
    }

    private void driverStep() {
        Queue queue = any();
        SimulatedDriver driver = queue.driver;
        switch (random.nextInt(6)) {
            case 0, 1 -> driver.send();
            case 2 -> publish(queue);
            case 3 -> {
                if (driver.asleep && !queue.call.clear(count.address())) return;
                driver.asleep = false;
                driver.reap();
            }
            case 4 -> {
                if (!driver.asleep) driver.asleep = !driver.ring.armCall();
            }
            default -> {
                if (!driver.asleep) driver.ring.suppressCalls();
                // For nothing: a driver may.
                if (random.nextInt(8) == 0) queue.kick.signal();
            }
        }
    }

    private void publish(Queue queue) {
        if (queue.driver.publish()) queue.kick.signal();
    }

    private void deviceStep() {
        switch (random.nextInt(10)) {
            case 0 -> {
                if (polled) shard.poll();
            }
            case 1, 2 -> takeMessage();
            case 3 -> submit();
            case 4, 5 -> disk.step();
            case 6 -> complete();
            case 7 -> decide();
            case 8 -> hear(any());
            default -> fallAsleep();
        }
    }

    private boolean takeMessage() {
        DeviceActor.Command message = device.take();
        if (message == null) return false;
        switch (message) {
            case DeviceActor.Drain _ -> {
                RequestBatch batch = shard.drain();
                if (batch != null) toSubmit.add(batch);
            }
            case DeviceActor.Failed(var reason) -> throw new AssertionError(reason);
            default -> throw new AssertionError(message);
        }
        return true;
    }

    private boolean submit() {
        if (toSubmit.isEmpty()) return false;
        shard.submit(toSubmit.remove());
        completionsDue = true;
        return true;
    }

    private boolean complete() {
        if (!toFinish.isEmpty()) {
            RequestBatch batch = toFinish.remove();
            // A queue that takes no more looks again when it has room.
            for (int i = 0; i < batch.count(); i++) polled |= batch.slot(i).queue.isFull();
            shard.finish(batch);
            completionsDue = true;
            return true;
        }
        if (!completionsDue) return false;
        completionsDue = false;
        RequestBatch done = shard.nextCompleted();
        if (done != null) toFinish.add(done);
        return true;
    }

    private boolean decide() {
        InterruptActor.Completed message = interrupt.take();
        if (message == null) return false;
        shard.decideCall(message.queue());
        return true;
    }

    private boolean hear(Queue queue) {
        if (queue.isStopped() || queue.stopped != null || !queue.kick.clear(count.address())) return false;
        shard.kicked(queue.served);
        polled = true;
        return true;
    }

    /** What the loop does with a device whose rings it found empty. */
    private boolean fallAsleep() {
        if (!polled || shard.poll() || shard.enableKicks()) return false;
        ioThread.forget(shard);
        polled = false;
        return true;
    }

    /** What transports, operators and embedders do. */
    private void control() {
        Queue queue = any();
        switch (random.nextInt(16)) {
            case 0 -> stop(queue);
            case 1, 2, 3, 4, 5 -> restart(queue);
            case 6 -> pause();
            case 7, 8, 9 -> {
                if (paused) resume();
            }
            case 10, 11, 12 -> resumeAfterError();
            case 13 -> useMemory();
            default -> {
                shared.durable = !shared.durable;
                shared.switches++;
                shard.durableWrites(shared.durable);
            }
        }
    }

    private void stop(Queue queue) {
        if (queue.stopped != null) return;
        queue.stopped = new CompletableFuture<>();
        shard.stop(queue.index, false, queue.stopped);
    }

    /** Of a queue that has stopped the base is where its driver would have it go on; now and then it begins anew. */
    private void restart(Queue queue) {
        if (!queue.isStopped()) return;
        nested = true;
        int base = queue.stopped.join();
        require(base == queue.driver.ring.resumeBase(),
                "queue " + queue.index + " stopped at " + base + ": " + queue.driver.ring);
        require(queue.served.ring.inFlight() == 0 && queue.served.inFlight() == 0, "it stopped with requests in flight");
        if (random.nextBoolean()) {
            while (queue.driver.reap()) {}
            base = RingFormat.of(features).newBase();
            queue.driver.reset(base);
        }
        queue.start(base);
        nested = false;
    }

    private void pause() {
        paused = true;
        intake.hold(Intake.Hold.PAUSE);
        if (random.nextBoolean()) {
            CompletableFuture<Void> waiting = new CompletableFuture<>();
            idle = waiting.handle((_, failure) -> failure == null ? inFlight() : 0);
            shard.whenIdle(waiting);
        }
    }

    private int inFlight() {
        int sum = 0;
        for (ServedVirtqueue queue : shard.seen()) sum += queue.inFlight();
        return sum;
    }

    private void resume() {
        paused = false;
        intake.letGo(Intake.Hold.PAUSE);
        shard.resume();
        polled |= intake.isOpen() && shard.seen().length > 0;
    }

    private void resumeAfterError() {
        if (!intake.isHeldBy(Intake.Hold.IO_ERROR)) return;
        intake.letGo(Intake.Hold.IO_ERROR);
        shard.resume();
        polled |= intake.isOpen() && shard.seen().length > 0;
    }

    /** Lets everybody do what there is to do until nobody has anything; then nothing may be missing. */
    private void quiesce() {
        if (paused) resume();
        for (int round = 0; ; round++) {
            require(round < IDLE_ROUNDS_MAX, "it never comes to rest: " + this);
            resumeAfterError();
            for (Queue queue : queues) if (queue.isStopped()) restart(queue);
            boolean busy = polled && shard.poll();
            busy |= takeMessage() | submit() | complete() | decide();
            for (Queue queue : queues) {
                if (queue.driver.ring.hasUnpublished()) publish(queue);
                busy |= hear(queue);
                busy |= wakeUp(queue);
                busy |= queue.stopped != null;
            }
            if (!disk.isIdle()) {
                disk.step();
                busy = true;
            }
            busy |= fallAsleep() | polled | !intake.isOpen();
            // A round in which nobody interrupts has to find nothing either.
            if (!busy && nested) break;
            nested = !busy;
        }
        nested = false;
        for (Queue queue : queues) {
            require(queue.driver.inFlight() == 0, queue.driver.inFlight() + " requests of queue " + queue.index
                    + " wait and nobody is awake: " + queue.driver.ring);
        }
        require(inFlight() == 0, "slots are in use");
        require(idle.isDone() && idle.join() == 0, "who waits for an idle device is told too early or never");
    }

    private boolean wakeUp(Queue queue) {
        SimulatedDriver driver = queue.driver;
        if (driver.asleep) {
            if (!queue.call.clear(count.address())) return false;
            driver.asleep = false;
            return true;
        }
        boolean any = false;
        while (driver.reap()) any = true;
        if (any) return true;
        driver.asleep = !driver.ring.armCall();
        return !driver.asleep;
    }

    /** The device dies with what it has in flight, and another takes over; with {@code power} all lose theirs. */
    private void fail(boolean power) {
        nested = true;
        shard.abandon();
        int[] usedBefore = new int[queues.length];
        for (Queue queue : queues) usedBefore[queue.index] = queue.driver.ring.resumeBase();
        if (power) {
            disk.losePower();
            shared.states.powerLost();
        }
        close();
        for (Queue queue : queues) {
            require(usedBefore[queue.index] == queue.driver.ring.resumeBase(), "a device that is gone has used something");
            if (power) queue.driver.forget(RingFormat.of(features).newBase());
            else queue.driver.offerAgain();
            // As with SET_VRING_CALL: what was used last may have called nobody.
            queue.call.signal();
        }
        intake.letGo(Intake.Hold.IO_ERROR);
        open();
        nested = false;
    }

    /** As a device comes to its end: its queues stop, what the disk has comes home. */
    private void close() {
        for (Queue queue : queues) {
            if (queue.stopped == null) stop(queue);
        }
        for (boolean busy = true; busy; ) {
            busy = takeMessage() | submit() | complete() | decide() | !disk.isIdle();
            disk.step();
        }
        for (Queue queue : queues) require(queue.isStopped(), "queue " + queue.index + " does not stop");
        shard.abandon();
        shard.close();
        require(disk.channelClosed, "the disk's channel stays open");
    }

    private static void require(boolean right, String what) {
        if (!right) throw new AssertionError(what);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Queue queue : queues) text.append(queue.driver.ring).append("; ");
        return text.append("polled ").append(polled).append(", held ").append(!intake.isOpen()).toString();
    }

    @Override
    public void virtqueueBroken(int queue, VirtqueueBroken reason) {
        throw new AssertionError("queue " + queue + " is called broken: " + reason.getMessage());
    }

    @Override
    public void requestFailed(int queue, int type, long offsetBytes, int reason, int errno) {}

    @Override
    public void ioError(IoError error) {}

    @Override
    public void failed(Throwable reason) {
        throw new AssertionError("the device failed", reason);
    }
}
