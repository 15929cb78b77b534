package io.vireo.daemon;

import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.ErrorPolicyConfig;
import io.vireo.config.FileOptions;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "storage-daemon",
        description = "Takes qemu-storage-daemon's options, with its defaults: an export is read-only, write-through and has"
                + " one queue unless it is said otherwise.",
        mixinStandardHelpOptions = true)
final class StorageDaemonCommand implements Callable<Integer> {
    @Option(names = "--blockdev", paramLabel = "driver=file,node-name=..,filename=..")
    private List<String> blockdevs = new ArrayList<>();

    @Option(names = "--export", paramLabel = "type=vhost-user-blk,id=..,node-name=..,addr.type=..")
    private List<String> exports = new ArrayList<>();

    private final Set<String> writable = new HashSet<>();

    @Override
    public Integer call() throws Exception {
        VireoConfig config = VireoConfig.empty();
        List<DeviceConfig> devices = exports.stream().map(this::device).toList();
        for (String blockdev : blockdevs) config = config.withDrive(drive(blockdev));
        for (DeviceConfig device : devices) {
            if (!config.drives().containsKey(device.drive())) {
                throw new OperatorException(ExitStatus.USAGE, "--export id=" + device.name() + ": no node " + device.drive()
                        + "; there are " + config.drives().keySet());
            }
            if (config.devices().containsKey(device.name())) {
                throw new OperatorException(ExitStatus.USAGE, "--export id=" + device.name() + " is given twice");
            }
            config = config.withDevice(device);
        }
        return new Daemon(config).run();
    }

    private DriveConfig drive(String text) {
        KeyValues keys = new KeyValues("--blockdev", text);
        String driver = keys.take("driver");
        if (!driver.equals("file")) throw keys.wrong("driver=" + driver + " is not available here; file is");
        DriveConfig.FileDrive drive = DriveConfig.FileDrive.of(keys.take("node-name"), Path.of(keys.take("filename")));
        FileOptions options = FileOptions.DEFAULT
                .withAio(keys.takeWord("aio", FileOptions.Aio.class, FileOptions.Aio.THREADS))
                .withCache(new FileOptions.Cache(keys.takeSwitch("cache.direct", false), keys.takeSwitch("cache.no-flush", false)))
                .withDiscard(keys.takeWord("discard", FileOptions.Discard.class, FileOptions.Discard.IGNORE))
                .withLocking(keys.takeWord("locking", FileOptions.Locking.class, FileOptions.Locking.AUTO))
                // As QEMU's: a node that nobody writes takes no write lock.
                .withReadOnly(keys.takeSwitch("read-only", !writable.contains(drive.nodeName())));
        keys.end();
        return new DriveConfig.FileDrive(drive.nodeName(), drive.filename(), options, drive.origin());
    }

    private DeviceConfig device(String text) {
        KeyValues keys = new KeyValues("--export", text);
        String type = keys.take("type");
        if (!type.equals("vhost-user-blk")) throw keys.wrong("type=" + type + " is not available here; vhost-user-blk is");
        DeviceConfig device = DeviceConfig.of(keys.take("id"), keys.take("node-name"));
        boolean isWritable = keys.takeSwitch("writable", false);
        if (isWritable) writable.add(device.drive());
        TransportConfig transport = transport(keys);
        int queues = keys.takeNumber("num-queues", 1, 1, 256);
        boolean writeThrough = keys.takeSwitch("writethrough", true);
        keys.end();
        return device.withReadOnly(!isWritable)
                // Its exports report every error: nobody could resume one that has stopped.
                .withErrors(new ErrorPolicyConfig(ErrorPolicyConfig.OnError.REPORT, ErrorPolicyConfig.OnError.REPORT))
                .withWriteCache(!writeThrough)
                .withQueues(device.queues().withCount(queues))
                .withTransport(transport);
    }

    private static TransportConfig transport(KeyValues keys) {
        String kind = keys.take("addr.type");
        return switch (kind) {
            case "unix" -> TransportConfig.SocketPath.of(Path.of(keys.take("addr.path")).toAbsolutePath());
            case "fd" -> {
                String number = keys.take("addr.str");
                if (!number.matches("[0-9]{1,9}")) throw keys.wrong("addr.str=" + number + " is not a descriptor's number");
                yield TransportConfig.SocketFd.of(Integer.parseInt(number));
            }
            default -> throw keys.wrong("addr.type=" + kind + " is neither unix nor fd");
        };
    }
}
