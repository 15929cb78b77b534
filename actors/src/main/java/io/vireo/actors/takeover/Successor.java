package io.vireo.actors.takeover;

import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceEstate;
import io.vireo.actors.plane.DeviceState;
import io.vireo.actors.plane.DriveEstate;
import io.vireo.actors.plane.Offer;
import io.vireo.posix.Fd;
import io.vireo.posix.UnixSocket;
import io.vireo.storage.node.ImageException;
import java.time.Duration;
import java.util.List;

/**
 * The process that wants to go on with what this one serves. Until it has taken everything, in one instant, this process can
 * take it back, and does when that process dies or dawdles. Thread: one.
 */
final class Successor implements AutoCloseable {
    /** How long what is in flight may take, and with it guests wait for nothing, should it take longer. */
    private static final Duration REST_MAX = Duration.ofSeconds(5);

    /** How long the new process may take to open what it is told of; guests are served meanwhile. */
    private static final Duration PREPARATION_MAX = Duration.ofSeconds(60);

    /** How long it may take to learn what is in the middle; guests wait. */
    private static final Duration TAKING_MAX = Duration.ofSeconds(10);

    private static final Duration REFUSAL_MAX = Duration.ofSeconds(1);

    private final TakeoverLink link;
    private final Ownership ownership = Ownership.create();
    /** As the new process knows them. */
    private List<DriveEstate> drives = List.of();

    /** @param socket owned from here on */
    Successor(UnixSocket socket) {
        link = new TakeoverLink(socket);
    }

    /**
     * Says what there is, and waits until the new process has opened all it can. What this process has open at addresses of
     * its own is to be closed before.
     *
     * @throws TakeoverException it will not be
     */
    void prepare(DataPlane plane, Fd control) {
        expect(Parcel.Kind.LISTENING, TAKING_MAX);
        long deadline = System.nanoTime() + PREPARATION_MAX.toNanos();
        drives = drives(plane);
        for (DriveEstate drive : drives) send(Parcel.Kind.DRIVE, EstateParcels.of(drive), deadline);
        for (DeviceEstate device : plane.deviceEstates()) send(Parcel.Kind.DEVICE, EstateParcels.of(device), deadline);
        Parcel.Writer rest = new Parcel.Writer()
                .words(out -> out.writeInt((int) ProcessHandle.current().pid())).fd(control).fd(ownership.fd());
        send(Parcel.Kind.LISTED, rest, deadline);
        expect(Parcel.Kind.PREPARED, PREPARATION_MAX);
    }

    /**
     * Offers it all. When this returns the new process serves; when it throws, this one does.
     *
     * @throws TakeoverException why it did not come to that
     */
    void offer(DataPlane plane) throws InterruptedException {
        Offer offer;
        try {
            offer = plane.offer(REST_MAX);
        } catch (IllegalStateException e) {
            throw new TakeoverException(e.getMessage());
        }
        String why = "";
        try {
            if (!drives(plane).equals(drives))
                throw new TakeoverException("an image was given up, or taken, for a guest that moves: try again");
            long deadline = System.nanoTime() + TAKING_MAX.toNanos();
            for (DeviceState state : offer.states()) send(Parcel.Kind.STATE, StateParcels.of(state), deadline);
            // Before it is said: who hears it takes it.
            ownership.offer();
            Parcel.Writer since = new Parcel.Writer().words(out -> out.writeLong(offer.sinceNanos()));
            send(Parcel.Kind.OFFERED, since, deadline);
            expect(Parcel.Kind.TAKEN, Duration.ofNanos(deadline - System.nanoTime()));
        } catch (TakeoverException | IllegalStateException e) {
            why = e.getMessage();
        } finally {
            // Whatever was heard, or was not: this decides.
            if (ownership.withdraw()) offer.withdraw();
        }
        if (ownership.state() != Ownership.State.TAKEN) throw new TakeoverException(why);
    }

    private static List<DriveEstate> drives(DataPlane plane) {
        try {
            return List.copyOf(plane.driveEstates());
        } catch (ImageException e) {
            throw new TakeoverException(e.getMessage());
        }
    }

    /** From any thread: gives it up, if it is not taken. */
    void abort() {
        if (ownership.withdraw()) link.shutdown();
    }

    /** Tells the new process that it is not to be, if it listens. */
    void refuse(String why) {
        ownership.withdraw();
        try {
            send(Parcel.Kind.REFUSED, new Parcel.Writer().words(out -> out.writeUTF(why)),
                    System.nanoTime() + REFUSAL_MAX.toNanos());
        } catch (TakeoverException e) {
            // It has gone; that it was refused stands in what is shared.
        }
    }

    private void send(Parcel.Kind kind, Parcel.Writer parcel, long deadline) {
        link.send(kind, parcel, Duration.ofNanos(deadline - System.nanoTime()));
    }

    private void expect(Parcel.Kind kind, Duration within) {
        try (Parcel heard = link.receive(within)) {
            if (heard == null) throw new TakeoverException("the new daemon has gone");
            if (heard.kind() == Parcel.Kind.REFUSED)
                throw new TakeoverException("the new daemon: " + heard.text());
            if (heard.kind() != kind) throw new TakeoverException("the new daemon says " + heard.kind() + " for " + kind);
        }
    }

    /** Nobody is to think that this process has died. */
    @Override
    public void close() {
        ownership.withdraw();
        link.close();
        ownership.close();
    }
}
