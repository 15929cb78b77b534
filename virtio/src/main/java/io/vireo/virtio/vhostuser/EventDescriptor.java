package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Judges the descriptors that come as kick, call and err. */
final class EventDescriptor {
    private static final String EVENTFD = "anon_inode:[eventfd]";

    private EventDescriptor() {}

    /**
     * Takes over {@code fd} if it is an eventfd. Every front-end on Linux sends one; a file is always readable and a
     * pipe fills up, so neither can stand in for it on an IOThread.
     *
     * <p>It is made non-blocking, although that flag is shared with the front-end: an IOThread that writes a call whose
     * count is full, or reads a kick that the front-end has just emptied, would otherwise sleep until the peer pleases.
     *
     * @throws VhostUserException it is something else; {@code fd} is still the caller's
     */
    static EventFd accept(Fd fd) {
        String kind;
        try {
            kind = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd.number())).toString();
        } catch (IOException e) {
            throw new VhostUserException(Fault.DESCRIPTOR_KIND, "descriptor of unknown kind: " + e.getMessage());
        }
        if (!kind.equals(EVENTFD))
            throw new VhostUserException(Fault.DESCRIPTOR_KIND, "descriptor is " + kind + ", not an eventfd");
        PosixFile.setNonBlocking(fd);
        return EventFd.owning(fd);
    }
}
