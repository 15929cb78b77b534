package io.vireo.actors.takeover;

import io.vireo.actors.monitor.MonitorCommand;
import io.vireo.actors.plane.DataPlane;
import io.vireo.monitoring.qmp.QmpArguments;
import io.vireo.monitoring.qmp.QmpException;
import io.vireo.posix.Fd;
import io.vireo.posix.PeerCredentials;
import io.vireo.posix.UnixSocket;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands a data plane over to the process that asks for it at the control socket, one at a time: what is neither taken nor
 * refused goes on here as if nobody had asked. Thread: any.
 */
public final class Handover implements AutoCloseable {
    /** The command; its connection is no monitor's any more when it was answered. */
    public static final String COMMAND = "takeover";

    /** What is said from then on: processes of another one do not understand each other. */
    public static final long VERSION = 1;

    private static final Logger LOG = LoggerFactory.getLogger(Handover.class);

    /** The process around the data plane. */
    public interface Surroundings {
        /** Gives up what two processes cannot have open, until {@link #takeBack}. */
        void giveUp();

        void takeBack();

        /** Ends this process, without closing anything that the other one has now. Does not return. */
        void end(int successorPid);
    }

    private final DataPlane plane;
    private final Fd control;
    private final Surroundings surroundings;
    /** Held while it is being decided who serves. */
    private final ReentrantLock deciding = new ReentrantLock();
    private volatile Successor successor;
    private boolean promised;
    private volatile boolean closed;

    /** @param control the control socket */
    public Handover(DataPlane plane, Fd control, Surroundings surroundings) {
        this.plane = plane;
        this.control = control;
        this.surroundings = surroundings;
    }

    public MonitorCommand command() {
        return MonitorCommand.of(COMMAND, Handover::version, this::promise);
    }

    private static long version(QmpArguments arguments) {
        return arguments.optionalSize("version").orElseThrow(() -> new QmpException("Parameter 'version' is missing"));
    }

    private synchronized MonitorCommand.Farewell promise(long version) {
        if (version != VERSION)
            throw new QmpException("this daemon is taken over in version " + VERSION + ", not in version " + version);
        if (closed) throw new QmpException("this daemon was told to end");
        if (promised) throw new QmpException("this daemon is being taken over already");
        promised = true;
        return new MonitorCommand.Farewell(this::begin);
    }

    /** @param socket null when the client has gone before it was answered */
    private void begin(UnixSocket socket) {
        if (socket == null) forget();
        else Thread.ofPlatform().daemon().name("takeover").start(() -> handOver(socket));
    }

    private synchronized void forget() {
        promised = false;
    }

    private void handOver(UnixSocket socket) {
        surroundings.giveUp();
        try (Successor wants = new Successor(socket)) {
            successor = wants;
            if (closed) wants.abort();
            PeerCredentials peer = socket.peer();
            try {
                handOver(wants, peer);
            } catch (TakeoverException e) {
                wants.refuse(e.getMessage());
                LOG.warn("process {} does not take over: {}", peer.pid(), e.getMessage());
            }
        } catch (RuntimeException | InterruptedException e) {
            LOG.error("a takeover has failed: this process goes on", e);
        } finally {
            successor = null;
            surroundings.takeBack();
            forget();
        }
    }

    private void handOver(Successor wants, PeerCredentials peer) throws InterruptedException {
        int ours = PeerCredentials.own().uid();
        if (peer.uid() != ours && peer.uid() != 0) throw new TakeoverException("user " + peer.uid() + " is not user " + ours);
        LOG.info("process {} wants to take over", peer.pid());
        synchronized (plane) {
            wants.prepare(plane, control);
            // Only close holds it, and for good, with the plane's monitor to be taken next.
            if (!deciding.tryLock()) throw new TakeoverException("it was told to end");
            try {
                if (closed) throw new TakeoverException("it was told to end");
                wants.offer(plane);
                surroundings.end(peer.pid());
            } finally {
                deciding.unlock();
            }
        }
    }

    /** This process is about to end: nobody takes over any more. Waits while that is being decided. */
    @Override
    public void close() {
        closed = true;
        Successor wants = successor;
        if (wants != null) wants.abort();
        deciding.lock();
    }
}
