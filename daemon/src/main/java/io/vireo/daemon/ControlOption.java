package io.vireo.daemon;

import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.config.TransportConfig;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Which running daemon a command is for: by its control socket, or by the configuration that names that. */
final class ControlOption {
    static final class Where {
        @Option(names = "--control", paramLabel = "SOCKET", description = "the daemon's control socket")
        private Path socket;

        @Option(names = "--config", paramLabel = "FILE.conf", description = "the daemon's configuration, which says control.path")
        private Path file;
    }

    @ArgGroup(multiplicity = "1")
    private Where where;

    /** @throws OperatorException there is none */
    QmpClient connect() {
        return QmpClient.connect(where.socket != null ? where.socket : configured(where.file));
    }

    private static Path configured(Path file) {
        return ConfigLoader.load(file, List.of(), Cpus.online()).control().map(TransportConfig.SocketPath::path)
                .orElseThrow(() -> new OperatorException(ExitStatus.USAGE,
                        file + ": says no vireo.control.path, so its daemon has no control socket"));
    }
}
