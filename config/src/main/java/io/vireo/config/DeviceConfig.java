package io.vireo.config;

import io.vireo.config.ErrorPolicyConfig.OnError;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One virtio-blk device.
 *
 * @param drive node-name of its drive
 * @param iothreads who serves its virtqueues; empty = the default pool decides
 * @param serial at most 20 bytes
 * @param writeCache FLUSH and CONFIG_WCE are offered and the cache starts as write-back; else write-through
 * @param readOnly the guest may not write, whatever the drive allows
 * @param errors what becomes of requests that the drive fails
 * @param labels shown in the metrics and the log; names are Prometheus label names
 * @param transport empty only when embedded
 */
public record DeviceConfig(
        String name,
        String drive,
        List<QueueAssignment> iothreads,
        VirtqueueConfig queues,
        String serial,
        boolean writeCache,
        boolean readOnly,
        ErrorPolicyConfig errors,
        BlockLimits limits,
        Map<String, String> labels,
        Optional<TransportConfig> transport,
        Origin origin) {
    public static final int SERIAL_BYTES_MAX = 20;

    /** Virtqueues of one IOThread. {@code queues} empty = all entries of the device take turns, in their order. */
    public record QueueAssignment(String iothread, List<Integer> queues) {
        public QueueAssignment {
            queues = List.copyOf(queues);
        }
    }

    public DeviceConfig {
        iothreads = List.copyOf(iothreads);
        labels = Collections.unmodifiableMap(new LinkedHashMap<>(labels));
    }

    /** Defaults for all that can have one: one queue of 256, write-back, the default pool, no transport. */
    public static DeviceConfig of(String name, String drive) {
        return new DeviceConfig(
                name, drive, List.of(), VirtqueueConfig.DEFAULT, cutSerial(name), true, false,
                ErrorPolicyConfig.DEFAULT, BlockLimits.DEFAULT, Map.of(), Optional.empty(), Origin.PROGRAM);
    }

    /** The IOThread that the configuration gives a virtqueue; empty = the default pool decides. */
    public Optional<String> iothreadOf(int queue) {
        if (iothreads.isEmpty()) return Optional.empty();
        if (iothreads.getFirst().queues().isEmpty()) {
            return Optional.of(iothreads.get(queue % iothreads.size()).iothread());
        }
        return iothreads.stream().filter(share -> share.queues().contains(queue)).findFirst()
                .map(QueueAssignment::iothread);
    }

    /** Whether an error of its drive can stop it, until it is resumed. Only what lies in files runs out of space. */
    public boolean mayStop(DriveConfig onDrive) {
        boolean writes = !readOnly && !onDrive.readOnly();
        boolean fills = onDrive.protocol() instanceof DriveConfig.FileDrive || onDrive.protocol() instanceof DriveConfig.HostDeviceDrive;
        if (errors.rerror() == OnError.STOP || fills && errors.rerror() == OnError.ENOSPC) return true;
        return writes && (errors.werror() == OnError.STOP
                || fills && (errors.werror() == OnError.ENOSPC || errors.werror() == OnError.AUTO));
    }

    /** The serial as GET_ID can carry it: QEMU cuts it too; here never inside a character. */
    public static String cutSerial(String serial) {
        int bytes = 0;
        int end = 0;
        while (end < serial.length()) {
            int codePoint = serial.codePointAt(end);
            bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
            if (bytes > SERIAL_BYTES_MAX) break;
            end += Character.charCount(codePoint);
        }
        return serial.substring(0, end);
    }

    public DeviceConfig withIothread(String iothread) {
        return withIothreads(List.of(new QueueAssignment(iothread, List.of())));
    }

    public DeviceConfig withIothreads(List<QueueAssignment> newIothreads) {
        return new DeviceConfig(
                name, drive, newIothreads, queues, serial, writeCache, readOnly, errors, limits, labels, transport,
                origin);
    }

    public DeviceConfig withQueues(VirtqueueConfig newQueues) {
        return new DeviceConfig(
                name, drive, iothreads, newQueues, serial, writeCache, readOnly, errors, limits, labels, transport,
                origin);
    }

    public DeviceConfig withSerial(String newSerial) {
        return new DeviceConfig(
                name, drive, iothreads, queues, cutSerial(newSerial), writeCache, readOnly, errors, limits, labels, transport,
                origin);
    }

    public DeviceConfig withWriteCache(boolean newWriteCache) {
        return new DeviceConfig(
                name, drive, iothreads, queues, serial, newWriteCache, readOnly, errors, limits, labels, transport,
                origin);
    }

    public DeviceConfig withReadOnly(boolean newReadOnly) {
        return new DeviceConfig(
                name, drive, iothreads, queues, serial, writeCache, newReadOnly, errors, limits, labels, transport,
                origin);
    }

    public DeviceConfig withErrors(ErrorPolicyConfig newErrors) {
        return new DeviceConfig(
                name, drive, iothreads, queues, serial, writeCache, readOnly, newErrors, limits, labels, transport, origin);
    }

    public DeviceConfig withLimits(BlockLimits newLimits) {
        return new DeviceConfig(
                name, drive, iothreads, queues, serial, writeCache, readOnly, errors, newLimits, labels, transport, origin);
    }

    public DeviceConfig withLabels(Map<String, String> newLabels) {
        return new DeviceConfig(
                name, drive, iothreads, queues, serial, writeCache, readOnly, errors, limits, newLabels, transport, origin);
    }

    public DeviceConfig withTransport(TransportConfig newTransport) {
        return new DeviceConfig(
                name, drive, iothreads, queues, serial, writeCache, readOnly, errors, limits, labels,
                Optional.of(newTransport), origin);
    }
}
