package io.vireo.actors.plane;

import io.vireo.actors.device.Device;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/**
 * Devices that were given up at a reset while their drive had requests that did not come back; those keep memory mapped
 * until they do. Thread: one adds, any asks.
 */
final class LostDevices {
    private final List<Device> lost = new CopyOnWriteArrayList<>();
    private volatile CompletableFuture<Void> back = CompletableFuture.completedFuture(null);

    /** @param closed completes when the last of its requests has come back */
    void add(Device device, CompletableFuture<Void> closed) {
        lost.add(device);
        back = CompletableFuture.allOf(back, closed);
        closed.whenComplete((_, _) -> lost.remove(device));
    }

    boolean isEmpty() {
        return lost.isEmpty();
    }

    long inFlight() {
        return stream().mapToLong(Device::inFlight).sum();
    }

    Stream<Device> stream() {
        return lost.stream();
    }

    /** Completes when there are none any more of those that there are now. */
    CompletableFuture<Void> whenBack() {
        return back;
    }
}
