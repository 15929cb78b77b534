package io.vireo.actors.takeover;

import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceEstate;
import io.vireo.actors.plane.DriveEstate;
import io.vireo.actors.plane.Estate;
import io.vireo.actors.vhostuser.ListeningSocket;
import io.vireo.config.TransportConfig;
import io.vireo.posix.Fd;
import io.vireo.posix.UnixSocket;
import java.io.DataInputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The process that serves and is to be taken over, as the new one sees it. In the order of its methods: what is open, what is
 * in the middle, and then, in one instant, all of it.
 *
 * <p>Each of them throws {@link TakeoverException} when the old process goes on, and
 * {@link PredecessorGoneException} when it has died before it offered anything. Once one of these, or anything else, was thrown after
 * {@link #adopt} began, this process is to end without closing what it adopted: a connection that it shuts down is shut down for
 * the old one too. Thread: one.
 */
public final class Predecessor implements AutoCloseable {
    /** How long the old process may take for anything; it bounds what guests wait for itself. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final TakeoverLink link;
    private Ownership ownership;
    private Fd control;
    private int pid;
    private long sinceNanos;

    /** @param socket on which {@link Handover#COMMAND} was answered; owned from here on */
    public Predecessor(UnixSocket socket) {
        link = new TakeoverLink(socket);
    }

    /** What it has open. What it had at addresses of its own is free when this returns. */
    public Estate estate() {
        tell(Parcel.Kind.LISTENING, new Parcel.Writer());
        List<DriveEstate> drives = new ArrayList<>();
        List<DeviceEstate> devices = new ArrayList<>();
        try {
            hearOf(drives, devices);
            return Estate.of(drives, devices);
        } catch (RuntimeException e) {
            // Who starts without it opens the images anew, and would find them locked by these.
            Estate.of(drives, devices).close();
            throw e;
        }
    }

    private void hearOf(List<DriveEstate> drives, List<DeviceEstate> devices) {
        while (true) {
            try (Parcel parcel = hear()) {
                switch (parcel.kind()) {
                    case DRIVE -> drives.add(EstateParcels.drive(parcel));
                    case DEVICE -> devices.add(EstateParcels.device(parcel));
                    case LISTED -> {
                        pid = parcel.read(DataInputStream::readInt);
                        control = parcel.fd();
                        ownership = Ownership.of(parcel.fd());
                        return;
                    }
                    case LISTENING, PREPARED, STATE, OFFERED, TAKEN, REFUSED -> throw unexpected(parcel);
                }
            }
        }
    }

    public int pid() {
        return pid;
    }

    /** Its control socket, which is this process's from here on. */
    public ListeningSocket control(TransportConfig.SocketPath transport) {
        ListeningSocket inherited = ListeningSocket.inherited(transport, control);
        control = null;
        return inherited;
    }

    /** Says that all is open here, waits until nothing moves there, and has {@code plane} know what is in the middle. */
    public void adopt(DataPlane plane) {
        tell(Parcel.Kind.PREPARED, new Parcel.Writer());
        while (true) {
            try (Parcel parcel = hear()) {
                switch (parcel.kind()) {
                    case STATE -> plane.adopt(StateParcels.state(parcel));
                    case OFFERED -> {
                        sinceNanos = parcel.read(DataInputStream::readLong);
                        return;
                    }
                    case LISTENING, DRIVE, DEVICE, LISTED, PREPARED, TAKEN, REFUSED -> throw unexpected(parcel);
                }
            }
        }
    }

    /** Takes it all: when this returns nobody serves but this process. It may die before it answers. */
    public void take() {
        if (!ownership.take()) throw new TakeoverException("the daemon that runs has taken it back");
    }

    /** Tells it that it was taken, and that it may end. It is not needed for anything, and may have died. */
    public void bury() {
        tell(Parcel.Kind.TAKEN, new Parcel.Writer());
    }

    /** Since when guests wait, by {@link System#nanoTime()}, which all processes of a machine have in common. */
    public long sinceNanos() {
        return sinceNanos;
    }

    /** Tells it to go on, and why. */
    public void refuse(String why) {
        tell(Parcel.Kind.REFUSED, new Parcel.Writer().words(out -> out.writeUTF(why)));
    }

    private void tell(Parcel.Kind kind, Parcel.Writer parcel) {
        try {
            link.send(kind, parcel, PATIENCE);
        } catch (TakeoverException e) {
            // It has died or given up; which of them says what it has said last, or what is shared.
        }
    }

    private Parcel hear() {
        Parcel parcel = link.receive(PATIENCE);
        if (parcel == null) {
            boolean goesOn = ownership != null && ownership.state() == Ownership.State.WITHDRAWN;
            if (goesOn) throw new TakeoverException("the daemon that runs goes on");
            throw new PredecessorGoneException();
        }
        if (parcel.kind() != Parcel.Kind.REFUSED) return parcel;
        try (parcel) {
            throw new TakeoverException("the daemon that runs: " + parcel.text());
        }
    }

    private static TakeoverException unexpected(Parcel parcel) {
        return new TakeoverException("the daemon that runs says " + parcel.kind() + " out of turn");
    }

    @Override
    public void close() {
        link.close();
        if (control != null) control.close();
        if (ownership != null) ownership.close();
    }
}
