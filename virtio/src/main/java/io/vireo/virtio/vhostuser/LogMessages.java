package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.Mapping;
import io.vireo.posix.PosixException;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.List;

/** The messages that say where written pages are marked. Owns the bitmap and the eventfd. Thread: the session's. */
final class LogMessages implements AutoCloseable {
    private final VringMessages vrings;
    private Mapping bitmap;
    private EventFd listener;
    /** How the bitmap was announced and what it is mapped from, for a process that goes on with the session. */
    private byte[] announced;

    private Fd file;

    LogMessages(VringMessages vrings) {
        this.vrings = vrings;
    }

    /** Answered in any case: the front-end then reads what was marked in the log before. */
    byte[] setLogBase(byte[] payload, List<Fd> fds) {
        Mapping next = map(Payload.i64(payload, VhostUserLayout.LOG_SIZE), Payload.i64(payload, VhostUserLayout.LOG_OFFSET),
                fds.getFirst());
        try {
            vrings.useLog(log(next, listener));
        } catch (RuntimeException e) {
            next.close(); // nobody has gone over to it
            throw e;
        }
        forget();
        bitmap = next;
        announced = payload;
        file = fds.removeFirst();
        vrings.startReady();
        return Payload.replyU64(MessageType.SET_LOG_BASE.id(), 0);
    }

    void setLogFd(List<Fd> fds) {
        EventFd next = EventDescriptor.accept(fds.getFirst());
        fds.removeFirst();
        EventFd before = listener;
        listener = next;
        if (bitmap != null) vrings.useLog(log(bitmap, next));
        if (before != null) before.close();
    }

    /** As {@link Session#said}. */
    void said(List<Said> said) {
        if (bitmap != null) said.add(new Said(MessageType.SET_LOG_BASE, announced, List.of(file)));
        if (listener != null) said.add(new Said(MessageType.SET_LOG_FD, new byte[0], List.of(listener.fd())));
    }

    private void forget() {
        if (bitmap == null) return;
        bitmap.close();
        file.close();
    }

    private static DirtyLog log(Mapping bitmap, EventFd listener) {
        return new DirtyLog(bitmap.address(), bitmap.sizeBytes(), listener);
    }

    private static Mapping map(long sizeBytes, long offset, Fd file) {
        FileStatus status = SharedFile.accept("log", file);
        // as both are at least 0, the difference cannot overflow
        if (sizeBytes <= 0 || offset < 0 || sizeBytes > status.sizeBytes() - offset) {
            throw new VhostUserException(Fault.LOG,
                    "log of 0x%x bytes at 0x%x is not in its file of 0x%x bytes".formatted(
                            sizeBytes, offset, status.sizeBytes()));
        }
        try {
            return Mapping.shared(file, offset, sizeBytes, true);
        } catch (PosixException | IllegalArgumentException e) {
            throw new VhostUserException(Fault.LOG, "log of 0x%x bytes: %s".formatted(sizeBytes, e.getMessage()));
        }
    }

    /** After the vrings have forgotten the log. */
    @Override
    public void close() {
        forget();
        if (listener != null) listener.close();
    }
}
