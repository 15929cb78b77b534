package io.vireo.actors.device;

import akka.actor.ActorCell;
import akka.actor.ActorRef;
import akka.actor.ActorRefWithCell;
import akka.actor.typed.javadsl.Adapter;
import java.util.HashSet;
import java.util.Set;
import scala.jdk.javaapi.CollectionConverters;

/** Which of a device's stations a dispatcher runs, asked of Akka's own cells. */
final class Stations {
    private Stations() {}

    static Set<String> dispatchedBy(akka.actor.typed.ActorRef<?> device, String dispatcher) {
        Set<String> names = new HashSet<>();
        ActorCell cell = cellOf(Adapter.toClassic(device));
        if (cell.dispatcher().id().equals(dispatcher)) names.add("device");
        collect(cell, dispatcher, names);
        return names;
    }

    private static void collect(ActorCell parent, String dispatcher, Set<String> names) {
        for (ActorRef child : CollectionConverters.asJava(parent.childrenRefs().children())) {
            ActorCell cell = cellOf(child);
            String name = child.path().name();
            if (cell.dispatcher().id().equals(dispatcher)) {
                if (name.equals("interrupt")) names.add(name);
                if (name.startsWith("flow-")) names.add("pipeline");
            }
            collect(cell, dispatcher, names);
        }
    }

    private static ActorCell cellOf(ActorRef ref) {
        return (ActorCell) ((ActorRefWithCell) ref).underlying();
    }
}
