package io.vireo.actors.device;

import akka.actor.ActorPath;
import akka.actor.typed.ActorRef;
import java.util.ArrayDeque;

/** An actor's reference without the actor: the simulation takes the messages out when it is their turn. */
final class Mailbox<T> implements ActorRef<T> {
    private static final long serialVersionUID = 1;

    private final transient ArrayDeque<T> messages = new ArrayDeque<>();

    T take() {
        return messages.poll();
    }

    boolean isEmpty() {
        return messages.isEmpty();
    }

    @Override
    public void tell(T message) {
        messages.add(message);
    }

    @Override
    public <U extends T> ActorRef<U> narrow() {
        throw new UnsupportedOperationException();
    }

    @Override
    public <U> ActorRef<U> unsafeUpcast() {
        throw new UnsupportedOperationException();
    }

    @Override
    public ActorPath path() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int compareTo(ActorRef<?> other) {
        throw new UnsupportedOperationException();
    }
}
