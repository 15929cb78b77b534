package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.storage.node.Lifetime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How worn an eMMC is, as Linux publishes its registers: {@code life_time} is two numbers, {@code pre_eol_info} one. */
final class DeviceLifetime {
    private final Path lifeTime;
    private final Path preEolInfo;

    /** @param device the disk's folder in sysfs */
    DeviceLifetime(Path device) {
        lifeTime = device.resolve("life_time");
        preEolInfo = device.resolve("pre_eol_info");
    }

    boolean isKnown() {
        return Files.isReadable(lifeTime) && Files.isReadable(preEolInfo);
    }

    /** {@link Lifetime#packed} as of now, or -errno. Blocks. */
    long read() {
        try {
            String[] types = Files.readString(lifeTime).trim().split("\\s+");
            if (types.length != 2) return -Errno.EIO;
            int preEol = Integer.decode(Files.readString(preEolInfo).trim());
            return Lifetime.of(preEol, Integer.decode(types[0]), Integer.decode(types[1])).packed();
        } catch (IOException | NumberFormatException e) {
            return -Errno.EIO;
        }
    }
}
