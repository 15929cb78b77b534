package io.vireo.actors.monitor;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import io.vireo.actors.vhostuser.AcceptPause;
import io.vireo.monitoring.qmp.QmpMessage;
import io.vireo.posix.Epoll;
import io.vireo.posix.EventFd;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a monitor's listening socket: one thread moves the bytes of all its clients, each of which has an actor that
 * obeys it. A client that does not read what it asked for is hung up on; nobody waits for it.
 *
 * <p>Thread: any, for what is public.
 */
public final class MonitorServer implements AutoCloseable {
    static final int CLIENTS_MAX = 16;
    private static final Logger LOG = LoggerFactory.getLogger(MonitorServer.class);
    private static final long LISTENING = 0;
    private static final long WAKE = 1;
    private static final long FOR_EVER = -1;
    /** Actor names must be unique. */
    private static final AtomicLong CONNECTED = new AtomicLong(WAKE);

    private final ActorSystem<?> system;
    private final UnixSocket listening;
    private final CommandTable commands;
    private final EventFd wake = EventFd.create();
    private final Epoll epoll = Epoll.create(CLIENTS_MAX + 2);
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final Map<Long, MonitorPeer> peers = new HashMap<>();
    private final Thread thread;
    private volatile boolean stopping;
    /** Guarded by {@link #wake}. */
    private boolean closed;
    private final AcceptPause acceptPause = new AcceptPause();

    private MonitorServer(ActorSystem<?> system, UnixSocket listening, CommandTable commands) {
        this.system = system;
        this.listening = listening;
        this.commands = commands;
        thread = Thread.ofPlatform().daemon().name("monitor").unstarted(this::run);
    }

    /** @param listening stays the caller's, to be closed after this server */
    public static MonitorServer start(ActorSystem<?> system, UnixSocket listening, CommandTable commands) {
        MonitorServer server = new MonitorServer(system, listening, commands);
        server.epoll.add(listening.fd(), Epoll.EPOLLIN, LISTENING);
        server.epoll.add(server.wake.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, WAKE);
        server.thread.start();
        return server;
    }

    /** Tells every client that has negotiated of an event, which has happened now. Does not wait. */
    public void emit(String event, Map<String, Object> data) {
        byte[] line = QmpMessage.event(event, data, Instant.now());
        run(() -> peers.values().forEach(peer -> peer.tell(new MonitorConnection.Event(line))));
    }

    /** Hangs up on every client. A command that one of them waits for goes on without it. */
    @Override
    public void close() {
        stopping = true;
        run(() -> {});
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        synchronized (wake) {
            if (closed) return;
            closed = true;
            wake.close();
            epoll.close();
        }
    }

    /** Has the server's thread do something soon; nothing comes of it once that has ended. */
    void run(Runnable task) {
        tasks.add(task);
        synchronized (wake) {
            if (!closed) wake.signal();
        }
    }

    Epoll epoll() {
        return epoll;
    }

    void gone(MonitorPeer peer) {
        peers.remove(peer.token);
    }

    private void run() {
        try {
            while (!stopping) turn();
        } catch (RuntimeException | Error e) {
            LOG.error("the monitor is served no more", e);
        }
        List.copyOf(peers.values()).forEach(MonitorPeer::end);
    }

    private void turn() {
        int count = epoll.await(acceptPause.isOn() ? acceptPause.waitNanos(System.nanoTime()) : FOR_EVER);
        if (acceptPause.isOver(System.nanoTime())) epoll.modify(listening.fd(), Epoll.EPOLLIN, LISTENING);
        // Copied: whoever is served may ask the epoll for something else.
        long[] tokens = new long[count];
        int[] events = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = epoll.token(i);
            events[i] = epoll.events(i);
        }
        for (Runnable task; (task = tasks.poll()) != null; ) task.run();
        for (int i = 0; i < count && !stopping; i++) {
            MonitorPeer peer = peers.get(tokens[i]);
            if (tokens[i] == LISTENING) accept();
            else if (peer != null) peer.ready(events[i]);
        }
    }

    private void accept() {
        UnixSocket socket;
        try {
            socket = listening.accept();
        } catch (PosixException e) {
            LOG.warn("no client can connect to the monitor for now: {}", e.getMessage());
            acceptPause.begin(System.nanoTime());
            epoll.modify(listening.fd(), 0, LISTENING);
            return;
        }
        if (socket == null) return;
        if (peers.size() == CLIENTS_MAX) {
            LOG.warn("a monitor's client is refused: there are {} already", CLIENTS_MAX);
            socket.close();
            return;
        }
        long token = CONNECTED.incrementAndGet();
        MonitorPeer peer = new MonitorPeer(token, this, socket);
        ActorRef<MonitorConnection.Command> actor = system.systemActorOf(
                MonitorConnection.create(commands, peer), "vireo-monitor-" + token, DispatcherSelector.blocking());
        peers.put(token, peer);
        peer.begin(actor);
    }
}
