package io.vireo.actors.device;

import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;

/** Decides, after a batch of completions, whether the driver wants a call, and makes it. */
final class InterruptActor extends AbstractOnMessageBehavior<InterruptActor.Completed> {
    /** Used elements of this virtqueue were published. */
    record Completed(ServedVirtqueue queue) {}

    private final DeviceShard shard;

    private InterruptActor(ActorContext<Completed> context, DeviceShard shard) {
        super(context);
        this.shard = shard;
    }

    static Behavior<Completed> create(DeviceShard shard) {
        return Behaviors.setup(context -> new InterruptActor(context, shard));
    }

    @Override
    public Behavior<Completed> onMessage(Completed message) {
        shard.decideCall(message.queue());
        return this;
    }
}
