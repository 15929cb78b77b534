package io.vireo.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.stream.Materializer;
import io.vireo.actors.pipeline.BatchInlet;
import io.vireo.actors.pipeline.RequestPipeline;
import io.vireo.posix.EventFd;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.VirtqueueAreas;
import java.util.concurrent.CompletableFuture;

/**
 * A device on one IOThread: drains its virtqueues into the pipeline, starts and stops them, and is the parent of what
 * serves it. When it, its pipeline or its interrupt actor fails, the device stops and its {@link DeviceListener} is
 * told; neighbours on the same IOThread do not notice.
 */
final class DeviceActor {
    sealed interface Command
            permits Drain, UseMemory, Start, SetCall, SetErr, Log, LogUsed, Accept, SetDurable, Close, Failed {}

    /** A virtqueue has requests. */
    enum Drain implements Command {
        DRAIN
    }

    /** Takes requests from this generation on; {@code areas} are where the running virtqueues lie in it, by index. */
    record UseMemory(MemoryLease lease, VirtqueueAreas[] areas, CompletableFuture<Void> done) implements Command {}

    /** Serves a virtqueue, beginning with a look at its avail ring. */
    record Start(ServedVirtqueue queue, CompletableFuture<Void> done) implements Command {}

    record SetCall(int index, EventFd call, CompletableFuture<Void> done) implements Command {}

    record SetErr(int index, EventFd err, CompletableFuture<Void> done) implements Command {}

    /** Marks in this log what it writes for requests; null: in none. */
    record Log(DirtyLog log, CompletableFuture<Void> done) implements Command {}

    /** As {@link Log}, for what it writes to use the buffers of a virtqueue. */
    record LogUsed(int index, UsedLog log, CompletableFuture<Void> done) implements Command {}

    /** The features that the driver accepted. */
    record Accept(long features, CompletableFuture<Void> done) implements Command {}

    /** Whether a write completes only when it is durable; one that is drained after {@code done} does as it says. */
    record SetDurable(boolean durable, CompletableFuture<Void> done) implements Command {}

    /** Ends the actors; every queue was stopped before. */
    enum Close implements Command {
        CLOSE
    }

    /** Something that serves the device broke. */
    record Failed(Throwable reason) implements Command {}

    private final ActorContext<Command> context;
    private final DeviceShard shard;
    private final BatchInlet pipeline;
    private boolean closing;
    private Throwable failure;

    private DeviceActor(ActorContext<Command> context, DeviceShard shard) {
        this.context = context;
        this.shard = shard;
        ActorRef<InterruptActor.Completed> interrupt =
                context.spawn(InterruptActor.create(shard), "interrupt", DispatcherSelector.sameAsParent());
        context.watch(interrupt);
        shard.connect(context.getSelf(), interrupt);
        var running = RequestPipeline.run(shard, Materializer.createMaterializer(context), shard.ioThread.dispatcher());
        pipeline = running.first();
        context.pipeToSelf(running.second(), (done, reason) -> new Failed(
                reason != null ? reason : new IllegalStateException("the pipeline has ended")));
    }

    static Behavior<Command> create(DeviceShard shard) {
        return Behaviors.setup(context -> new DeviceActor(context, shard).behavior());
    }

    private Behavior<Command> behavior() {
        return Behaviors.receive(Command.class)
                .onAnyMessage(this::onCommand)
                .onSignal(ChildFailed.class, signal -> fail(signal.getCause()))
                .onSignal(Terminated.class, _ -> fail(new IllegalStateException("the interrupt actor has ended")))
                .onSignal(PostStop.class, _ -> onPostStop())
                .build();
    }

    private Behavior<Command> onCommand(Command command) {
        try {
            return switch (command) {
                case Drain _ -> onDrain();
                case UseMemory message -> onUseMemory(message);
                case Start message -> onStart(message);
                case SetCall message -> onSetCall(message);
                case SetErr message -> onSetErr(message);
                case Log message -> onLog(message);
                case LogUsed message -> onLogUsed(message);
                case Accept message -> onAccept(message);
                case SetDurable message -> onSetDurable(message);
                case Close _ -> onClose();
                case Failed message -> fail(message.reason());
            };
        } catch (RuntimeException | Error e) {
            return fail(e);
        }
    }

    private Behavior<Command> onDrain() {
        RequestBatch batch = shard.drain();
        if (batch != null) pipeline.offer(batch);
        return Behaviors.same();
    }

    private Behavior<Command> onUseMemory(UseMemory message) {
        if (shard.isAbandoned()) return Behaviors.same();
        for (ServedVirtqueue queue : shard.seen()) {
            VirtqueueAreas areas = message.areas()[queue.ring.index()];
            if (areas != null) queue.ring.moveTo(areas);
        }
        shard.use(message.lease());
        message.done().complete(null);
        return Behaviors.same();
    }

    private Behavior<Command> onStart(Start message) {
        if (shard.isAbandoned()) return Behaviors.same();
        ServedVirtqueue queue = message.queue();
        queue.kickToken = shard.ioThread.watch(queue.kick.fd(), () -> shard.kicked(queue));
        shard.add(queue);
        message.done().complete(null);
        return Behaviors.same();
    }

    private Behavior<Command> onSetCall(SetCall message) {
        ServedVirtqueue queue = shard.queue(message.index());
        if (queue != null) {
            queue.call = message.call();
            // Completions before now may have called nobody.
            if (queue.call != null) shard.ioThread.signaller().signal(queue.call);
        }
        message.done().complete(null);
        return Behaviors.same();
    }

    private Behavior<Command> onSetErr(SetErr message) {
        ServedVirtqueue queue = shard.queue(message.index());
        if (queue != null) queue.err = message.err();
        message.done().complete(null);
        return Behaviors.same();
    }

    private Behavior<Command> onLog(Log message) {
        shard.log(message.log());
        message.done().complete(null);
        return Behaviors.same();
    }

    private Behavior<Command> onLogUsed(LogUsed message) {
        ServedVirtqueue queue = shard.queue(message.index());
        if (queue != null) queue.ring.logUsed(message.log());
        message.done().complete(null);
        return Behaviors.same();
    }

    private Behavior<Command> onAccept(Accept message) {
        shard.accept(message.features());
        message.done().complete(null);
        return Behaviors.same();
    }

    private Behavior<Command> onSetDurable(SetDurable message) {
        shard.durableWrites(message.durable());
        message.done().complete(null);
        return Behaviors.same();
    }

    private Behavior<Command> onClose() {
        closing = true;
        return Behaviors.stopped();
    }

    private Behavior<Command> fail(Throwable reason) {
        if (failure == null && !closing) failure = reason;
        return Behaviors.stopped();
    }

    /** Runs after the pipeline and the interrupt actor are gone. */
    private Behavior<Command> onPostStop() {
        if (closing) shard.abandon();
        else shard.fail(failure != null ? failure : new IllegalStateException("the device actor was stopped"));
        return Behaviors.same();
    }
}
