package io.vireo.actors.vhostuser;

import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.posix.Epoll;
import io.vireo.posix.EventFd;
import io.vireo.posix.PeerCredentials;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.BackendRequest;
import io.vireo.virtio.vhostuser.VhostUserBackend;
import io.vireo.virtio.vhostuser.VhostUserException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves one export from a thread of its own, one front-end at a time: those that connect to its listening socket, or the
 * one that it connects to itself. A second one is hung up on at once; the next is welcome as soon as the one before is
 * gone, also when its end has not been noticed yet.
 *
 * <p>Whatever a front-end does ends at most its own connection: then its vrings are stopped, its memory and descriptors
 * given back, and one line says who it was and why. All methods may be called from any thread.
 */
public final class VhostUserServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VhostUserServer.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(30);
    private static final long FOR_EVER = -1;

    private static final long LISTENING = 0;
    private static final long CLIENT = 1;
    private static final long WAKE = 2;
    private static final long CHANNEL = 3;
    private static final int TOKENS = 4;
    private static final int CLIENT_EVENTS = Epoll.EPOLLIN | Epoll.EPOLLRDHUP;

    /** Null when we connect. */
    private final UnixSocket listening;
    /** Null when we listen. */
    private final FrontEndDial dial;
    private final VhostUserBackend backend;
    private final RateLimitedLog log;
    private final EventFd wake = EventFd.create();
    private final Epoll epoll = Epoll.create(TOKENS);
    private final Thread thread;
    private volatile ClientConnection client;
    private volatile boolean stopping;
    private volatile boolean deviceFailed;
    private volatile boolean configChanged;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AcceptPause acceptPause = new AcceptPause();
    private volatile Suspension suspension;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private Runnable whenGoing;

    /** @param reached counted down by the thread, which then waits for {@code over} */
    private record Suspension(CountDownLatch reached, CountDownLatch over) {}

    private VhostUserServer(
            String device, UnixSocket listening, FrontEndDial dial, VhostUserBackend backend, RateLimitedLog log) {
        this.listening = listening;
        this.dial = dial;
        this.backend = backend;
        this.log = log;
        thread = Thread.ofPlatform().daemon().name(device).unstarted(this::run);
    }

    /**
     * Serves whom it hears once it is told to {@link #start}.
     *
     * @param device the thread's name
     * @param listening stays the caller's, to be closed after this server; nobody else accepts from it meanwhile
     * @param log about the device
     */
    public static VhostUserServer listening(String device, UnixSocket listening, VhostUserBackend backend, RateLimitedLog log) {
        VhostUserServer server = new VhostUserServer(device, listening, null, backend, log);
        server.epoll.add(listening.fd(), Epoll.EPOLLIN, LISTENING);
        return server;
    }

    /**
     * Serves the front-end that listens at {@code path}, or will some day, once it is told to {@link #start}: whenever there is
     * none it is tried again, at most a second apart.
     */
    public static VhostUserServer dialling(String device, Path path, VhostUserBackend backend, RateLimitedLog log) {
        FrontEndDial dial = new FrontEndDial(path, log, System.nanoTime());
        return new VhostUserServer(device, null, dial, backend, log);
    }

    /** Begins to serve. */
    public void start() {
        start(() -> {});
    }

    /** @param going done by the server's thread once the vrings run of a front-end that was {@link #adopt adopted} */
    public void start(Runnable going) {
        epoll.add(wake.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, WAKE);
        whenGoing = going;
        thread.start();
    }

    /**
     * Before {@link #start}: begins with a front-end that another process serves still. Takes over what the state has.
     *
     * @throws VhostUserException it is no state of a front-end that could be served here; it stays the other process's
     */
    public void adopt(ClientState state) {
        client = ClientConnection.of(state, backend, log);
        watchClient();
    }

    private void goOn() {
        try {
            client.goOn();
            log.info(System.nanoTime(), "client-connected", "front-end of pid {} goes on", client.peer.pid());
        } catch (RuntimeException e) {
            end("device-failed", e.toString());
        }
    }

    /**
     * Leaves everybody alone until {@link #resume}, as soon as what is being done is done.
     *
     * @return false when that takes longer; it is to be resumed all the same
     */
    public boolean suspend(Duration within) throws InterruptedException {
        Suspension begun = new Suspension(new CountDownLatch(1), new CountDownLatch(1));
        suspension = begun;
        wake.signal();
        return begun.reached().await(within.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Goes on after {@link #suspend}, if that was called. */
    public void resume() {
        Suspension over = suspension;
        if (over == null) return;
        suspension = null;
        over.over().countDown();
        wake.signal();
    }

    /**
     * The front-end that is served, for another process to go on with; while suspended, and while nothing of its vrings is in
     * flight.
     *
     * @throws IllegalStateException it cannot go on elsewhere now
     */
    public Optional<ClientState> clientState() {
        return Optional.ofNullable(client).map(ClientConnection::state);
    }

    public boolean clientConnected() {
        return client != null;
    }

    /** Who is being served. */
    public Optional<PeerCredentials> client() {
        return Optional.ofNullable(client).map(connection -> connection.peer);
    }

    /** Asks the thread to leave its client and end; does not wait. The listening socket accepts no more. */
    public void stop() {
        if (stopping) return;
        stopping = true;
        resume();
        wake.signal();
        if (listening != null) listening.shutdown();
    }

    /** The device serves no more: ends the client's connection, so that it may connect anew and get a device reset. */
    public void deviceFailed() {
        deviceFailed = true;
        wake.signal();
    }

    /** The device's configuration space has changed: tells the front-end, if there is one that listens; does not wait. */
    public void configChanged() {
        configChanged = true;
        wake.signal();
    }

    /** Waits until the thread has ended, and with it every request of the client; false when that takes longer. */
    public boolean awaitStopped(Duration timeout) throws InterruptedException {
        if (thread.getState() != Thread.State.NEW) return thread.join(timeout);
        if (client != null) end("leaving", "we stop");
        ended.complete(null);
        return true;
    }

    /** Completes when a server that was told to {@link #stop} has ended, and with it every request of its client. */
    public CompletableFuture<Void> whenEnded() {
        return ended;
    }

    /** {@link #stop}, then waits up to 30 s; a drain that hangs longer is left behind with what it uses. */
    @Override
    public void close() {
        stop();
        try {
            if (!awaitStopped(CLOSE_TIMEOUT)) {
                LOG.error("device {}: requests still in flight after {}", thread.getName(), CLOSE_TIMEOUT);
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        if (closed.compareAndSet(false, true)) {
            epoll.close();
            wake.close();
        }
    }

    private void run() {
        try {
            if (client != null) goOn();
            whenGoing.run();
            while (!stopping) {
                Suspension wanted = suspension;
                if (wanted != null) rest(wanted);
                else turn();
            }
            if (client != null) end("leaving", "we stop");
        } catch (RuntimeException | Error e) {
            LOG.error("device {}: its socket is served no more", thread.getName(), e);
            if (client != null) end("device-failed", "we failed");
        } finally {
            ended.complete(null);
        }
    }

    private static void rest(Suspension suspension) {
        suspension.reached().countDown();
        try {
            suspension.over().await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void turn() {
        // What was said while clientEvents looked woke nobody: it is looked for before the wait.
        boolean said = deviceFailed || configChanged || suspension != null;
        int count = epoll.await(said ? 0 : waitNanos());
        boolean clientReady = false;
        boolean listeningReady = false;
        boolean channelReady = false;
        for (int i = 0; i < count; i++) {
            if (epoll.token(i) == CLIENT) clientReady = true;
            if (epoll.token(i) == LISTENING) listeningReady = true;
            if (epoll.token(i) == CHANNEL) channelReady = true;
        }
        if (acceptPause.isOver(System.nanoTime())) epoll.modify(listening.fd(), Epoll.EPOLLIN, LISTENING);
        if (configChanged) tellConfigChanged();
        if (channelReady) client.channel.serve();
        if (deviceFailed) leaveFailedDevice();
        else if (clientReady) serve();
        if (listeningReady && !stopping) accept();
        if (isDialling() && !stopping && dial.waitNanos(System.nanoTime()) == 0) dial();
    }

    private long waitNanos() {
        if (acceptPause.isOn()) return acceptPause.waitNanos(System.nanoTime());
        return isDialling() ? dial.waitNanos(System.nanoTime()) : FOR_EVER;
    }

    private boolean isDialling() {
        return dial != null && client == null;
    }

    private void dial() {
        UnixSocket socket = dial.tryConnect(System.nanoTime());
        if (socket == null) return;
        begin(socket);
        if (client == null) dial.ended(System.nanoTime());
    }

    private void tellConfigChanged() {
        configChanged = false;
        if (client != null) client.channel.request(BackendRequest.CONFIG_CHANGE_MSG, 0);
    }

    private void leaveFailedDevice() {
        deviceFailed = false;
        if (client != null) end("device-failed", "its device failed");
    }

    private void accept() {
        UnixSocket next;
        try {
            next = listening.accept();
        } catch (PosixException e) {
            log.warn(System.nanoTime(), "accept", "no front-end can connect for now: {}", e.getMessage());
            acceptPause.begin(System.nanoTime());
            epoll.modify(listening.fd(), 0, LISTENING);
            return;
        }
        if (next == null) return;
        // Who was here may have hung up before this one connected: then it is served to its end first.
        while (client != null && hasHungUp()) serve();
        if (client == null) begin(next);
        else refuse(next);
    }

    private boolean hasHungUp() {
        return (clientEvents() & (Epoll.EPOLLRDHUP | Epoll.EPOLLHUP | Epoll.EPOLLERR)) != 0;
    }

    /** What is true of the client's socket now; the events of the turn's wait are gone afterwards. */
    private int clientEvents() {
        int count = epoll.await(0);
        for (int i = 0; i < count; i++) if (epoll.token(i) == CLIENT) return epoll.events(i);
        return 0;
    }

    private void begin(UnixSocket socket) {
        try {
            client = new ClientConnection(socket, backend, log);
        } catch (PosixException e) {
            socket.close();
            log.warn(System.nanoTime(), "accept", "a front-end was lost while it connected: {}", e.getMessage());
            return;
        }
        watchClient();
        log.info(System.nanoTime(), "client-connected", "front-end of pid {} connected", client.peer.pid());
    }

    private void watchClient() {
        epoll.add(client.socket.fd(), CLIENT_EVENTS, CLIENT);
        epoll.add(client.channel.fd(), Epoll.EPOLLIN, CHANNEL);
    }

    private void refuse(UnixSocket socket) {
        try (socket) {
            log.warn(System.nanoTime(), "second-client", "front-end of pid {} refused: pid {} is being served",
                    socket.peer().pid(), client.peer.pid());
        } catch (PosixException e) {
            log.warn(System.nanoTime(), "second-client", "a front-end refused: {}", e.getMessage());
        }
    }

    /** One receive from the client. Whatever that throws is about this client. */
    private void serve() {
        try {
            switch (client.receive()) {
                case ENDED -> end("client-gone", "it hung up");
                case REFUSED -> log.warn(System.nanoTime(), kind(client.refusal()), "front-end of pid {} was refused: {}",
                        client.peer.pid(), client.refusal().getMessage());
                case PART, MESSAGE -> { }
            }
        } catch (VhostUserException e) {
            end(kind(e), e.getMessage());
        } catch (PosixException e) {
            end("socket", e.getMessage());
        } catch (RuntimeException | Error e) {
            // The device's failure; an InternalError is the front-end's memory that went away.
            LOG.debug("device {}", thread.getName(), e);
            end("device-failed", e.toString());
        }
    }

    private void end(String kind, String reason) {
        ClientConnection leaving = client;
        epoll.remove(leaving.socket.fd());
        epoll.remove(leaving.channel.fd());
        try {
            leaving.close();
        } catch (RuntimeException | Error e) {
            LOG.debug("device {}", thread.getName(), e);
            log.error(System.nanoTime(), "device-failed", "the device could not be stopped cleanly: {}", e.toString());
        } finally {
            client = null;
            deviceFailed = false; // what was told until now was of the device that has gone with its client
            if (dial != null) dial.ended(System.nanoTime());
        }
        if (kind.equals("client-gone") || kind.equals("leaving"))
            log.info(System.nanoTime(), kind, "front-end of pid {} disconnected: {}", leaving.peer.pid(), reason);
        else log.warn(System.nanoTime(), kind, "front-end of pid {} disconnected: {}", leaving.peer.pid(), reason);
    }

    private static String kind(VhostUserException e) {
        return e.fault().name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
