package io.vireo.actors.plane;

import io.vireo.actors.vhostuser.ListeningSocket;
import io.vireo.actors.vhostuser.VhostUserServer;
import io.vireo.config.TransportConfig;
import io.vireo.monitoring.log.RateLimitedLog;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A device and, when it has a transport, what its front-end reaches it by. Thread: any, as {@link DataPlane}. */
record ServedDevice(
        DeviceHost host, Optional<VhostUserExport> export, Optional<ListeningSocket> socket, Optional<VhostUserServer> server) {
    private static final Logger LOG = LoggerFactory.getLogger(DataPlane.class);

    /**
     * Serves nobody before {@link #begin}.
     *
     * @param listen opens its socket, if it is to listen
     */
    static ServedDevice of(DeviceHost host, Function<TransportConfig.Listening, ListeningSocket> listen) {
        Optional<TransportConfig> transport = host.config().transport();
        if (transport.isEmpty()) return new ServedDevice(host, Optional.empty(), Optional.empty(), Optional.empty());
        VhostUserExport export = new VhostUserExport(host);
        RateLimitedLog log = new RateLimitedLog(LOG, host.name(), host.config().labels());
        Optional<ListeningSocket> socket = transport.filter(TransportConfig.Listening.class::isInstance)
                .map(TransportConfig.Listening.class::cast).map(listen);
        try {
            VhostUserServer server = socket
                    .map(listening -> VhostUserServer.listening(host.name(), listening.socket(), export, log))
                    .orElseGet(() -> VhostUserServer.dialling(
                            host.name(), ((TransportConfig.SocketPeer) transport.get()).path(), export, log));
            host.status().connectedWhen(server::clientConnected);
            host.onFailure(server::deviceFailed);
            export.onConfigChange(server::configChanged);
            host.onConfigChange(export::configChanged);
            return new ServedDevice(host, Optional.of(export), socket, Optional.of(server));
        } catch (RuntimeException | Error e) {
            socket.ifPresent(ListeningSocket::close);
            throw e;
        }
    }

    /**
     * Before {@link #begin}: is to go on in the middle of what it does in another process.
     *
     * @throws io.vireo.virtio.vhostuser.VhostUserException its front-end cannot be served here
     * @throws IllegalArgumentException it has no front-end
     */
    void adopt(DeviceState state) {
        if (state.client().isEmpty()) return;
        server.orElseThrow(() -> new IllegalArgumentException("device " + host.name() + " has no front-end"))
                .adopt(state.client().get());
    }

    /**
     * Serves from now on, by a thread of its own: a front-end that makes it wait makes nobody else wait.
     *
     * @param adopted what it goes on with
     * @param going done when it does
     */
    void begin(Optional<DeviceState> adopted, Runnable going) {
        Runnable rest = () -> {
            adopted.ifPresent(this::goOn);
            host.quiescence().withdraw();
            going.run();
        };
        server.ifPresentOrElse(serving -> serving.start(rest), rest);
    }

    private void goOn(DeviceState state) {
        if (state.paused()) host.quiescence().beginPaused();
        try {
            if (!host.loadState(state.blkState())) LOG.error("device {}: its state is none of ours", host.name());
        } catch (IllegalArgumentException e) {
            LOG.error("device {}: requests that had failed are lost", host.name(), e);
        }
        if (state.configChanged()) export.ifPresent(VhostUserExport::configChanged);
    }

    /**
     * What it is in the middle of while it rests, see {@link Offer}. The descriptors stay its own.
     *
     * @throws IllegalStateException it cannot go on elsewhere now
     */
    DeviceState state() {
        return new DeviceState(host.name(), host.quiescence().isPaused(), host.saveState(),
                export.map(VhostUserExport::isToTellAgain).orElse(false), server.flatMap(VhostUserServer::clientState));
    }
}
