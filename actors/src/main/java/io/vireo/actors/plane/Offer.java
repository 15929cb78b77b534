package io.vireo.actors.plane;

import io.vireo.actors.vhostuser.VhostUserServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Devices at rest, for another process to go on with: their front-ends' messages wait in their sockets, nothing is taken
 * from a ring, and nothing is in flight. Thread: one.
 */
public final class Offer {
    private final List<ServedDevice> devices;
    private final long sinceNanos;

    private Offer(List<ServedDevice> devices) {
        this.devices = devices;
        sinceNanos = System.nanoTime();
    }

    /** As {@link DataPlane#offer}. */
    static Offer of(List<ServedDevice> devices, Duration within) throws InterruptedException {
        long deadline = System.nanoTime() + within.toNanos();
        Offer offer = new Offer(devices);
        try {
            offer.rest(deadline);
            return offer;
        } catch (RuntimeException | InterruptedException | Error e) {
            offer.withdraw();
            throw e;
        }
    }

    private void rest(long deadline) throws InterruptedException {
        for (ServedDevice device : devices) {
            Optional<VhostUserServer> server = device.server();
            if (server.isPresent() && !server.get().suspend(Duration.ofNanos(Math.max(0, deadline - System.nanoTime()))))
                throw restless(device, "its front-end's message takes long");
        }
        List<CompletableFuture<Void>> quiet = devices.stream().map(device -> device.host().quiescence().offer()).toList();
        for (int i = 0; i < quiet.size(); i++) {
            try {
                quiet.get(i).get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                throw new IllegalStateException(devices.get(i).host().status().describeInFlight());
            } catch (ExecutionException e) {
                throw restless(devices.get(i), e.getCause().getMessage());
            }
        }
    }

    private static IllegalStateException restless(ServedDevice device, String why) {
        return new IllegalStateException("device " + device.host().name() + ": " + why);
    }

    /** When it began, by {@link System#nanoTime()}. */
    public long sinceNanos() {
        return sinceNanos;
    }

    /**
     * What the devices are in the middle of. The descriptors stay this process's.
     *
     * @throws IllegalStateException one cannot go on elsewhere now
     */
    public List<DeviceState> states() {
        List<DeviceState> states = new ArrayList<>();
        for (ServedDevice device : devices) {
            try {
                states.add(device.state());
            } catch (IllegalStateException e) {
                throw restless(device, e.getMessage());
            }
        }
        return states;
    }

    /** All go on here. */
    public void withdraw() {
        for (ServedDevice device : devices) {
            device.host().quiescence().withdraw();
            device.server().ifPresent(VhostUserServer::resume);
        }
    }
}
