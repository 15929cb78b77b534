package io.vireo.actors.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.MessageHeader;
import io.vireo.virtio.vhostuser.VhostUserException;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import io.vireo.virtio.vhostuser.VhostUserLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The message that is arriving, piece by piece, with its descriptors. A receive never asks for more than the rest of the
 * header or of the payload: the kernel joins messages that carry no descriptors, and would hand over the next one's
 * early. Thread: one.
 */
final class MessageInbox implements AutoCloseable {
    private final NativeBlock block =
            NativeBlock.allocate(VhostUserLayout.HEADER_BYTES + VhostUserLayout.PAYLOAD_BYTES_MAX, 8);
    private final List<Fd> fds = new ArrayList<>();
    private MessageHeader header;
    private int receivedBytes;

    /**
     * Receives once from a socket that is said to be readable, without waiting.
     *
     * @return false at the end of the stream
     * @throws VhostUserException the header is wrong, there are too many descriptors, the stream ended in a message, or there is
     *     nothing but what came out of band
     */
    boolean receive(UnixSocket socket) {
        int wantedBytes = VhostUserLayout.HEADER_BYTES + (header == null ? 0 : header.sizeBytes()) - receivedBytes;
        int count = socket.tryReceive(block.address() + receivedBytes, wantedBytes, fds);
        if (count < 0) throw new VhostUserException(Fault.OUT_OF_BAND, "it sends out of band, where no message may come");
        if (count == 0) {
            if (receivedBytes == 0) return false;
            throw new VhostUserException(Fault.TRUNCATED, "the connection ended " + receivedBytes + " bytes into a message");
        }
        if (fds.size() > VhostUserLayout.DESCRIPTORS_MAX)
            throw new VhostUserException(Fault.DESCRIPTOR_COUNT, "one message with " + fds.size() + " descriptors");
        receivedBytes += count;
        if (header == null && receivedBytes == VhostUserLayout.HEADER_BYTES)
            header = MessageHeader.read(bytes(0, VhostUserLayout.HEADER_BYTES));
        return true;
    }

    /** What has come of a message that is not complete; {@link #fds} came with it. */
    byte[] arriving() {
        return bytes(0, receivedBytes);
    }

    /**
     * Goes on with what another inbox has received.
     *
     * @param with kept from here on
     * @throws VhostUserException that is no part of a message
     */
    void goOn(byte[] arriving, List<Fd> with) {
        fds.addAll(with);
        if (arriving.length > block.sizeBytes())
            throw new VhostUserException(Fault.HEADER, arriving.length + " bytes of a message");
        Memory.copy(arriving, 0, block.address(), arriving.length);
        receivedBytes = arriving.length;
        if (receivedBytes < VhostUserLayout.HEADER_BYTES) return;
        header = MessageHeader.read(bytes(0, VhostUserLayout.HEADER_BYTES));
        if (receivedBytes > VhostUserLayout.HEADER_BYTES + header.sizeBytes())
            throw new VhostUserException(Fault.HEADER, arriving.length + " bytes of a message of " + header.sizeBytes());
    }

    boolean isComplete() {
        return header != null && receivedBytes == VhostUserLayout.HEADER_BYTES + header.sizeBytes();
    }

    MessageHeader header() {
        return header;
    }

    byte[] payload() {
        return bytes(VhostUserLayout.HEADER_BYTES, header.sizeBytes());
    }

    /** The message's descriptors, in order; whoever handles them empties the list. */
    List<Fd> fds() {
        return fds;
    }

    /** Ready for the next message. */
    void clear() {
        fds.forEach(Fd::close);
        fds.clear();
        header = null;
        receivedBytes = 0;
    }

    @Override
    public void close() {
        clear();
        block.close();
    }

    private byte[] bytes(int offset, int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        Memory.copy(block.address() + offset, bytes, 0, lengthBytes);
        return bytes;
    }
}
